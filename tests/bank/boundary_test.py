"""Commands about several streams: 10,000 transfers between ten accounts, asked for by 64 clients of
two processes that are killed meanwhile. Each is recorded once, in both accounts or in none, and
nobody's money comes from nowhere."""

import random
import time
import unittest
import uuid

from bank import Bank, ask_until_decided
from support import Background, Database, migrate, run_cartd
from support.settings import how_many

ACCOUNTS = 10
MONEY = 1000  # of each at first
CLIENTS = 64
TRANSFERS = how_many(10_000, quick=2_000)
KILLS = how_many(12, quick=4)
NOT_FOUND, TOO_POOR = 1, 2  # refusals
# Transfers that were not recorded just once in each of their two accounts.
TORN = """
    SELECT data ->> 'transfer', array_agg(type ORDER BY position)
    FROM events WHERE type <> 'AccountOpened'
    GROUP BY 1
    HAVING array_agg(type ORDER BY position) <> '{AccountPaid,AccountReceived}'
        OR array_agg(stream_id::text ORDER BY position)
            <> array_agg(data ->> 'other' ORDER BY position DESC) OR count(DISTINCT recorded_at) <> 1;
"""
# Balances after each event, by the order of the log.
BALANCES = """
    SELECT stream_id, position, sum(CASE type WHEN 'AccountPaid' THEN -1 ELSE 1 END
        * (data ->> 'amount')::bigint) OVER (PARTITION BY stream_id ORDER BY position) AS balance
    FROM events WHERE stream_type = 'account'
"""


class TransferTest(unittest.TestCase):
    def setUp(self):
        self.database = Database()
        self.addCleanup(self.database.drop)
        self.database.migrated_by(migrate)
        self.banks = [Bank(self.database.app_url) for _ in range(2)]
        self.accounts = [str(uuid.uuid4()) for _ in range(ACCOUNTS)]
        for number, account in enumerate(self.accounts):
            answer = ask_until_decided(self.banks, f"open-{number} {account} - {MONEY}")
            self.assertEqual(answer, ("done", 0))
        self.answers = {}

    def transfer(self, client, _):
        for number in range(client, TRANSFERS, CLIENTS):
            payer, paid = random.sample(self.accounts, 2)
            if number % 4 == 0:
                paid = "last"
            amount = random.randint(1, MONEY)
            line = f"transfer-{number} {payer} {paid} {amount}"
            self.answers[f"transfer-{number}"] = ask_until_decided(self.banks, line)

    def kill_at_times(self, work):
        """Spread over the transfers, however long they take."""
        for kill in range(KILLS):
            while len(self.answers) < TRANSFERS * (kill + 1) // (KILLS + 1) and not work.failures:
                time.sleep(0.005)
            self.banks[kill % len(self.banks)].kill()

    def test_transfers_are_recorded_in_both_accounts_or_in_none(self):
        work = Background(CLIENTS, self.transfer)
        self.kill_at_times(work)
        work.finish()
        self.assertEqual([bank.stop() for bank in self.banks], [0, 0])
        done = {name for name, answer in self.answers.items() if answer[0] == "done"}
        refused = {name for name, answer in self.answers.items() if answer[0] == "refused"}
        self.assertEqual(len(done) + len(refused), TRANSFERS, set(self.answers.values()))
        self.assertIn(("refused", TOO_POOR), self.answers.values())
        recorded = self.database.sql(
            "SELECT data ->> 'transfer' FROM events WHERE type = 'AccountPaid';"
        )
        self.assertEqual(sorted(name for name, in recorded), sorted(done))
        self.assertEqual(self.database.sql(TORN), [])
        self.assertEqual(self.database.sql(f"SELECT * FROM ({BALANCES}) b WHERE balance < 0;"), [])
        sums = self.database.sql(
            "SELECT sum(CASE type WHEN 'AccountPaid' THEN -1 ELSE 1 END"
            " * (data ->> 'amount')::bigint) FROM events;"
        )
        self.assertEqual(sums, [[str(ACCOUNTS * MONEY)]])
        verified = run_cartd("verify", url=self.database.app_url)
        self.assertEqual((verified.returncode, verified.stderr), (0, ""), verified.stdout)
        print(f"{len(done):,} transfers, {len(refused):,} refused, {KILLS} kills")
        print(verified.stdout, end="")

    def test_who_pays_an_account_that_is_not_there(self):
        account = self.accounts[0]
        nobody = str(uuid.uuid4())
        pairs = ((account, nobody), (nobody, account), (account, "last"))
        for number, (payer, paid) in enumerate(pairs):
            answer = ask_until_decided(self.banks, f"refused-{number} {payer} {paid} 1")
            self.assertEqual(answer, ("refused", NOT_FOUND), (payer, paid))
        self.assertEqual([bank.stop() for bank in self.banks], [0, 0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
