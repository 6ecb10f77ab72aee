"""Readers that are ahead of the log: it is another one, or was restored from an older copy. They are
told so, as positions are used again and what comes next would be missed."""

import time
import unittest

from support import Background, FeedCase, make_id, needs_binary, run_cartd


class HistoryCase(FeedCase):
    def assert_beyond(self, answer):
        problem = self.assert_problem(answer, 400, "invalid-parameter")
        self.assertIn("was restored from an older copy", problem["detail"])

    def go_back(self, n):
        """As an older copy would have it: the last n events are gone, with what they made."""
        self.database.sql(f"""
            BEGIN;
            ALTER TABLE events DISABLE TRIGGER events_stay;
            CREATE TEMP TABLE gone AS SELECT * FROM events
                WHERE position > (SELECT position FROM log_head) - {n};
            DELETE FROM events WHERE position IN (SELECT position FROM gone);
            DELETE FROM carts WHERE cart_id IN (SELECT stream_id FROM gone);
            DELETE FROM cart_items WHERE cart_id IN (SELECT stream_id FROM gone);
            DELETE FROM streams WHERE stream_id IN (SELECT stream_id FROM gone);
            ALTER TABLE events ENABLE TRIGGER events_stay;
            UPDATE log_head SET position = position - {n};
            COMMIT;
        """)


@needs_binary
class BeyondTheEnd(HistoryCase):
    def test_a_page_beyond_the_log_is_refused(self):
        self.make_cart()
        head = self.head()
        self.assertEqual(self.client.get(f"/events?after={head}").json()["events"], [])
        for query in (
            f"after={head + 1}",
            f"after={head + 5}&limit=1",
            f"after={head + 1}&type=CartCleared",
            f"after={2**53 - 1}",
        ):
            for wait in ("", "&wait=1", "&wait=30"):
                with self.subTest(query=query, wait=wait):
                    began = time.monotonic()
                    self.assert_beyond(self.client.get(f"/events?{query}{wait}"))
                    self.assertLess(time.monotonic() - began, 0.9, "it is not waited")

    def test_a_long_poll_is_refused_also_while_others_listen(self):
        self.make_cart()
        stream = self.stream(f"/events?after={self.head()}")
        self.make_cart()
        self.assertIsNotNone(stream.read())
        self.assert_beyond(self.client.get(f"/events?after={self.head() + 1}&wait=30"))
        answer = self.client.get(f"/events?after={self.head()}&wait=1")
        self.assertEqual(answer.json()["events"], [])

    def test_a_page_beyond_the_cart_is_refused_as_its_stream_is(self):
        path = f"/carts/{self.make_cart()['id']}/events"
        self.assertEqual(self.client.get(f"{path}?after=1").json()["events"], [])
        for after in (2, 2**31 - 1):
            self.assert_beyond(self.client.get(f"{path}?after={after}"))
            self.assert_beyond(self.stream(f"{path}?after={after}").answer)
        answer = self.client.get(f"/carts/{make_id()}/events?after=2")
        self.assert_problem(answer, 404, "cart-not-found")

    def test_the_command_line_says_so_too(self):
        self.make_cart()
        for words in (("--follow",), ()):
            done = run_cartd(
                "events", "--after", str(self.head() + 1), *words, url=self.database.reader_url
            )
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("the database is another one now", done.stderr)


@needs_binary
class TheLogGoesBack(HistoryCase):
    def test_those_who_listen_are_told_and_go_on_from_a_position_that_is_there(self):
        old = self.make_cart()["id"]
        for _ in range(5):
            self.make_cart()
        head = self.head()
        streams = [
            self.stream(f"/events?after={head}"),
            self.stream(f"/events?after={head}&type=CartCleared"),
            self.stream(f"/carts/{old}/events?after=1"),
        ]
        answers = []

        def poll(i, _):
            with self.service.client() as client:
                answers.append(client.get(f"/events?after={head}&wait=30&type=CartCleared"))

        polling = Background(1, poll)
        self.make_cart()
        self.assertEqual(streams[0].read()[2]["position"], head + 1)
        self.go_back(3)
        for stream in streams:
            self.assertEqual(stream.read(10)[1], "error")
            self.assertIsNone(stream.read(10))
            self.assertTrue(stream.is_over)
        polling.finish()
        self.assert_beyond(answers[0])
        self.service.wait_for_event("history_changed")

        # Not any more, and not yet again.
        self.assert_beyond(self.client.get(f"/events?after={head + 1}"))
        self.assert_beyond(self.stream("/events", streams[0].last_id).answer)
        stream = self.stream(f"/events?after={self.head()}")
        self.make_cart()
        self.assertEqual(stream.read()[2]["position"], head - 1)


if __name__ == "__main__":
    unittest.main()
