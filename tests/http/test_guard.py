"""The corpus of bad requests (bad_requests/README.md), sent to the service itself: each is answered as
expected, and none of them hides a second one."""

import unittest

from support import CorpusCase


class Corpus(CorpusCase):
    def test_no_bad_request_hides_another(self):
        self.play_all(self.service.address, self.library)

    def test_it_makes_no_difference_in_how_many_pieces_they_come(self):
        self.play_all(self.service.address, self.library, in_pieces=True)


if __name__ == "__main__":
    unittest.main()
