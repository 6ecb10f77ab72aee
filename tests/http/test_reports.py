"""Reports against a slow, obvious computation from the raw events: now, as of any moment, page by
page, as CSV, and while everything changes."""

import collections
import csv
import datetime
import io
import random
import unittest
import urllib.parse

from support import (
    Background,
    ServiceCase,
    history,
    make_sku,
    needs_binary,
    needs_database,
    wait_until,
)


def as_text(at):
    """Microseconds since 1970 as the service writes times."""
    moment = datetime.datetime.fromtimestamp(at // 1_000_000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1_000_000:06}Z"


def as_number(text):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    whole = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return whole // datetime.timedelta(microseconds=1)


REPORTS = ("abandoned_carts", "demand", "funnel", "removed_then_bought")


class ReportCase(ServiceCase):
    def wait_until_known(self, *, of=REPORTS):
        """Until the projections know every event that is there now."""
        head = int(self.database.value("SELECT position FROM log_head;"))
        names = ", ".join(f"'{name}'" for name in of)
        query = f"SELECT min(position) FROM projection_checkpoints WHERE name IN ({names});"
        wait_until(
            lambda: int(self.database.value(query)) >= head, f"projections at {head}", timeout=120
        )

    def report(self, name, rows="skus", client=None, **parameters):
        """(as_of, rows) of a report."""
        target = f"/reports/{name}?{urllib.parse.urlencode(parameters)}"
        answer = (client or self.client).get(target)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["as_of"], answer.json()[rows]

    def assert_reports(self, events, **as_of):
        """All reports say what the events say; `events` are those until the moment."""
        last = as_text(events[-1].at) if events else None
        self.assertEqual(
            self.report("demand", limit=5000, **as_of), (last, history.demand(events)), as_of
        )
        self.assertEqual(
            self.report("funnel", "stages", **as_of), (last, history.funnel(events)), as_of
        )
        self.assertEqual(
            self.report("abandoned-carts", "days", limit=5000, **as_of),
            (last, history.abandoned_carts(events)),
            as_of,
        )
        for days in (1, 30):
            said = self.report("removed-then-bought", within_days=days, limit=5000, **as_of)
            self.assertEqual(said, (last, history.removed_then_bought(events, days)), as_of)


@needs_binary
class OfRandomHistories(ReportCase):
    def setUp(self):
        # A random history of some years, with a moment that has more events than any chunk.
        self.writer = history.Writer(seed=20261123)
        for number in range(3000):
            self.writer.step()
            if self.writer.random.random() < 0.6 and not 1000 <= number < 1700:
                self.writer.tick(24 * 60 * 60 * 1_000_000)
        self.writer.store(self.database)
        self.wait_until_known()
        self.events = history.read_events(self.database)

    def test_a_history(self):
        self.assert_reports(self.events)
        self.assertTrue(history.removed_then_bought(self.events, 1), "the history has none")
        found = collections.Counter()
        for row in history.abandoned_carts(self.events):
            found.update({name: count for name, count in row.items() if name.endswith("_carts")})
        self.assertTrue(all(found.values()), found)
        self.ask_as_of_many_moments()
        self.ask_for_periods()
        self.ask_for_pages_and_csv()
        self.rebuild_and_ask_again()

    def ask_as_of_many_moments(self):
        choose = random.Random(1)
        first, last = self.events[0].at, self.events[-1].at
        moments = [first - 1, first, last, last + 1, last + 10**15]
        moments += [choose.choice(self.events).at + choose.choice([-1, 0, 1]) for _ in range(25)]
        for at in moments:
            self.assert_reports(history.until(self.events, at), as_of=as_text(at))

    def ask_for_periods(self):
        choose = random.Random(2)
        created = [event.at for event in self.events if event.type == "CartCreated"]
        for _ in range(15):
            since, before = sorted(choose.sample(sorted(set(created)), 2))
            at = choose.choice(self.events).at
            parameters = {"from": as_text(since), "to": as_text(before), "as_of": as_text(at)}
            _, said = self.report("funnel", "stages", **parameters)
            known = history.until(self.events, at)
            self.assertEqual(said, history.funnel(known, since, before), parameters)
            _, said = self.report("abandoned-carts", "days", limit=5000, **parameters)
            self.assertEqual(said, history.abandoned_carts(known, since, before), parameters)
        _, said = self.report("funnel", "stages", **{"from": as_text(created[-1])})
        self.assertEqual(said, history.funnel(self.events, since=created[-1]))
        _, said = self.report("funnel", "stages", to=as_text(created[0]))
        self.assertEqual(said, [])

    def ask_for_pages_and_csv(self):
        for path, columns in (
            ("/reports/demand", ["as_of", "sku", "units", "carts"]),
            ("/reports/removed-then-bought", ["as_of", "sku", "customers", "median_seconds"]),
        ):
            whole = self.client.get(f"{path}?limit=5000").json()
            pages, cursor = [], None
            while cursor != "":
                suffix = "" if cursor is None else f"&cursor={cursor}"
                page = self.client.get(f"{path}?limit=5{suffix}").json()
                self.assertEqual(page["as_of"], whole["as_of"])
                pages += page["skus"]
                cursor = page["next_cursor"] or ""
            self.assertEqual(pages, whole["skus"])

            lines, target = [], f"{path}?limit=5"
            while target:
                answer = self.client.get(target, headers={"Accept": "text/csv"})
                self.assertEqual(
                    answer.headers["content-type"], "text/csv; charset=utf-8; header=present"
                )
                header, *more = csv.reader(io.StringIO(answer.body.decode(), newline=""))
                self.assertEqual(header, columns)
                self.assertEqual(answer.body.count(b"\r\n"), len(more) + 1)
                lines += more
                target = answer.headers.get("link", "<").split(">")[0][1:]
            self.assertEqual(
                [line[1:3] for line in lines],
                [[row["sku"], str(row[columns[2]])] for row in whole["skus"]],
            )
            self.assertEqual({line[0] for line in lines}, {whole["as_of"]})
        answer = self.client.get("/reports/funnel", headers={"Accept": "text/csv"})
        header, *lines = csv.reader(io.StringIO(answer.body.decode(), newline=""))
        self.assertEqual(header, ["as_of", "stage", "currency", "carts", "value"])
        self.assertEqual(
            [line[1:] for line in lines],
            [[str(cell) for cell in row.values()] for row in history.funnel(self.events)],
        )

    def rebuild_and_ask_again(self):
        self.database.sql(
            "DELETE FROM demand_changes WHERE position % 2 = 0; DELETE FROM removals;"
            "UPDATE funnel_steps SET value = value + 1; DELETE FROM abandonments WHERE carts = 1;"
            "UPDATE projection_checkpoints SET rebuilt_position = 0;"
        )
        wait_until(
            lambda: self.database.value(
                "SELECT count(*) FROM projection_checkpoints WHERE rebuilt_position IS NOT NULL;"
            )
            == "0",
            "the rebuilds",
        )
        self.assert_reports(self.events)
        self.assert_reports(
            history.until(self.events, self.events[1000].at), as_of=as_text(self.events[1000].at)
        )


@needs_database
class OfLivingCarts(ReportCase):
    """Histories that the service itself writes."""

    def shop(self, client, skus, choose):
        customer = choose.choice([None, "ann", "bob", "eve"])
        cart = self.make_cart(client=client, customer_id=customer)
        path = f"/carts/{cart['id']}"
        for _ in range(choose.randrange(1, 8)):
            sku = choose.choice(skus)
            kind = choose.random()
            if kind < 0.5:
                properties = choose.choice([{}, {}, {"properties": {"engraving": "A"}}])
                client.post(f"{path}/items", {"sku": sku, "quantity": 2, **properties})
            elif kind < 0.65:
                client.patch(f"{path}/items/{sku}", {"quantity": choose.randrange(0, 5)})
            elif kind < 0.8:
                client.delete(f"{path}/items/{sku}")
            elif kind < 0.85:
                client.delete(f"{path}/items")
            elif kind < 0.9:
                client.post(f"{path}/undo")
            elif kind < 0.92:
                client.post(f"{path}/restore", {"version": choose.randrange(1, 6)})
            elif kind < 0.95:
                client.post(f"{path}/currency", {"currency": "USD"})
            else:
                # Removed and bought in one request, at one moment.
                commands = [
                    {"type": "add_item", "sku": sku},
                    {"type": "remove_item", "item_id": sku},
                    {"type": "add_item", "sku": sku, "quantity": 3},
                    {"type": "check_out"},
                ]
                client.post(f"{path}/commands", {"commands": commands})
                return
        if choose.random() < 0.4:
            client.post(f"{path}/checkout")
            if choose.random() < 0.4:
                client.post(f"{path}/reopen")
                client.delete(f"{path}/items/{choose.choice(skus)}")
                client.post("/carts", {"copy_of": cart["id"]})
            if choose.random() < 0.5:
                client.post(f"{path}/checkout")
        elif choose.random() < 0.2:
            client.post(f"{path}/cancel")

    def test_what_a_report_said_it_says_again_as_of_that_time(self):
        skus = [make_sku() for _ in range(6)]
        for n, sku in enumerate(skus):
            prices = {"EUR": 100 + 7 * n, "USD": 110 + 7 * n}
            self.client.put(f"/products/{sku}", {"name": "Tea", "prices": prices})
        targets = ("/reports/demand", "/reports/funnel", "/reports/removed-then-bought")
        said = []

        def work(i, is_over):
            choose = random.Random(i)
            with self.service.client() as client:
                while not is_over.is_set():
                    self.shop(client, skus, choose)

        background = Background(3, work)
        try:
            while len(said) < 30 or len({as_of for _, as_of, _ in said}) < 6:
                for target in targets:
                    answer = self.client.get(target)
                    self.assertEqual(answer.status, 200, answer)
                    if answer.json()["as_of"]:
                        said.append((target, answer.json()["as_of"], answer.body))
        finally:
            background.finish()
        self.wait_until_known()
        for target, as_of, body in said[:: 1 + len(said) // 100]:
            self.assertEqual(self.client.get(f"{target}?as_of={as_of}").body, body)
        events = history.read_events(self.database)
        self.assert_reports(events)
        for _, as_of, _ in said[:: 1 + len(said) // 10]:
            self.assert_reports(history.until(events, as_number(as_of)), as_of=as_of)

    def test_a_reopened_cart_is_open_until_it_is_closed_again(self):
        sku = self.make_product(100)
        cart = self.make_cart((sku, 2))
        path, since = f"/carts/{cart['id']}", cart["created_at"]
        said = []
        for method, target, value in (
            ("DELETE", f"/items/{sku}", None),
            ("POST", "/undo", None),
            ("POST", "/checkout", None),
            ("POST", "/reopen", None),
            ("PATCH", f"/items/{sku}", {"quantity": 3}),
            ("POST", "/cancel", None),
            ("POST", "/reopen", None),
            ("POST", "/checkout", None),
        ):
            self.assertEqual(self.client.request(method, path + target, value).status, 200)
            self.wait_until_known()
            as_of, funnel = self.report("funnel", "stages", **{"from": since})
            demand = {row["sku"]: row["units"] for row in self.report("demand", limit=5000)[1]}
            bought = [row["sku"] for row in self.report("removed-then-bought", limit=5000)[1]]
            stages = {row["stage"]: (row["carts"], row["value"]) for row in funnel}
            (stage,) = [
                stage for stage in ("checked_out", "cancelled", "open") if stages[stage][0]
            ]
            said.append((as_of, (stage, stages[stage][1], demand.get(sku, 0), sku in bought)))
        expected = [
            ("open", 0, 0, False),
            ("open", 200, 2, False),
            ("checked_out", 200, 0, True),
            ("open", 200, 2, False),
            ("open", 300, 3, False),
            ("cancelled", 300, 0, False),
            ("open", 300, 3, False),
            ("checked_out", 300, 0, True),
        ]
        self.assertEqual([row for _, row in said], expected)
        events = history.read_events(self.database)
        for as_of, _ in said:
            self.assert_reports(history.until(events, as_number(as_of)), as_of=as_of)

    def test_a_merged_cart_is_counted_as_that_until_it_is_reverted(self):
        sku = self.make_product(100)
        cart, other = self.make_cart((sku, 2)), self.make_cart((sku, 3))
        merge = f"/carts/{cart['id']}/merge"
        for target, value, merged, units, worth in (
            (merge, {"from": other["id"]}, (1, 300), 5, 500),
            (f"{merge}/{other['id']}/revert", None, (0, 0), 5, 500),
        ):
            self.assertEqual(self.client.post(target, value).status, 200)
            self.wait_until_known()
            _, rows = self.report("funnel", "stages", **{"from": cart["created_at"]})
            stages = {row["stage"]: (row["carts"], row["value"]) for row in rows}
            self.assertEqual(stages["merged"], merged)
            self.assertEqual(stages["open"], (2 - merged[0], worth))
            demand = {row["sku"]: row["units"] for row in self.report("demand", limit=5000)[1]}
            self.assertEqual(demand[sku], units)
            self.assert_reports(history.read_events(self.database))

    def test_a_cart_counts_in_the_currency_that_it_has(self):
        sku = make_sku()
        self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 100, "GBP": 90}})
        cart = self.make_cart((sku, 2))
        self.client.post(f"/carts/{cart['id']}/currency", {"currency": "GBP"})
        self.wait_until_known()
        _, rows = self.report("funnel", "stages", **{"from": cart["created_at"]})
        self.assertEqual(
            [(row["stage"], row["currency"], row["carts"], row["value"]) for row in rows],
            [
                ("created", "GBP", 1, 180),
                ("with_items", "GBP", 1, 180),
                ("checked_out", "GBP", 0, 0),
                ("cancelled", "GBP", 0, 0),
                ("expired", "GBP", 0, 0),
                ("merged", "GBP", 0, 0),
                ("open", "GBP", 1, 180),
            ],
        )

    def test_a_sum_may_be_more_than_a_number_of_javascript(self):
        sku = self.make_product(2**53 - 1)
        carts = [self.make_cart((sku, 1)) for _ in range(3)]
        self.wait_until_known()
        _, rows = self.report("funnel", "stages", **{"from": carts[0]["created_at"]})
        self.assertEqual(rows[-1]["value"], 3 * (2**53 - 1))

    def test_parameters_are_checked(self):
        for target, name in (
            ("/reports/demand?as_of=yesterday", "as_of"),
            ("/reports/demand?as_of=2026-11-23", "as_of"),
            ("/reports/demand?limit=0", "limit"),
            ("/reports/demand?limit=5001", "limit"),
            ("/reports/demand?cursor=AZNvbm8KfD6aV18MikEbLQ", "cursor"),
            ("/reports/demand?within_days=3", "within_days"),
            ("/reports/funnel?limit=3", "limit"),
            ("/reports/funnel?from=2026-11-23T00:00:00Z&to=2026-11-23T00:00:00Z", "to"),
            ("/reports/funnel?from=x", "from"),
            ("/reports/funnel?to=x", "to"),
            ("/reports/removed-then-bought?within_days=0", "within_days"),
            ("/reports/removed-then-bought?within_days=3651", "within_days"),
        ):
            answer = self.client.get(target)
            self.assert_problem(answer, 400, "invalid-parameter")
            self.assertIn(f'"{name}"', answer.json()["detail"])

    def test_a_cursor_is_of_one_report(self):
        skus = [self.make_product() for _ in range(3)]
        self.make_cart(*((sku, 9) for sku in skus))
        self.wait_until_known()
        cursor = self.client.get("/reports/demand?limit=1").json()["next_cursor"]
        self.assertEqual(self.client.get(f"/reports/demand?cursor={cursor}").status, 200)
        answer = self.client.get(f"/reports/removed-then-bought?cursor={cursor}")
        self.assert_problem(answer, 400, "invalid-parameter")

    def test_accept_chooses_the_form(self):
        for accept, expected in (
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            ("application/problem+json", "application/json"),
            ("text/csv, */*;q=0.1", "text/csv"),
            ("text/*", "text/csv"),
            ("text/csv, application/json", "application/json"),
            ("application/json;q=0.5, text/csv", "text/csv"),
            ("application/json;q=0, text/csv", "text/csv"),
        ):
            answer = self.client.get("/reports/demand", headers={"Accept": accept})
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers["content-type"].split(";")[0], expected, accept)
        for accept in ("text/html", "text/csv;q=0", "application/xml"):
            answer = self.client.get("/reports/demand", headers={"Accept": accept})
            self.assert_problem(answer, 406, "not-acceptable")
            self.assertIn("text/csv", answer.json()["detail"])

    def test_only_so_many_reports_wait(self):
        clients = [self.service.client() for _ in range(30)]
        with self.database.open_session() as session:
            session.run("BEGIN; LOCK TABLE demand_changes IN ACCESS EXCLUSIVE MODE;")
            for client in clients:
                client.connect()
                client.send(client.compose("GET", "/reports/demand", {}, None))
            # Those beyond the limit are answered while the others wait.
            refused = clients[-1].receive("GET", "/reports/demand")
            self.assert_problem(refused, 503, "overloaded")
            self.make_cart((self.make_product(), 1))  # and carts are not held up
            session.run("COMMIT;")
        answers = [client.receive("GET", "/reports/demand") for client in clients[:-1]]
        self.assertEqual({answer.status for answer in answers}, {200, 503})
        for client in clients:
            client.close()


@needs_binary
class ThatTakeTooLong(ReportCase):
    settings = {"CARTD_REPORT_SECONDS": "1"}

    def test_a_report_that_takes_too_long_is_given_up(self):
        self.make_cart((self.make_product(sku=make_sku()), 1))
        with self.database.open_session() as session:
            session.run("BEGIN; LOCK TABLE demand_changes IN ACCESS EXCLUSIVE MODE;")
            answer = self.client.get("/reports/demand")
            self.assert_problem(answer, 503, "overloaded")
            self.assertIn("too long", answer.json()["detail"])
            session.run("COMMIT;")
        self.assertEqual(self.client.get("/reports/demand").status, 200)


if __name__ == "__main__":
    unittest.main()
