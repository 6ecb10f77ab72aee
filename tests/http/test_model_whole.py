"""All commands of a cart in random sequences, while the catalogue changes under them: the service must
answer what a model in plain Python says, and the history of each cart must hold together."""

import os
import unittest

from support import how_many
from support.cart_play import ModelCase, Play
from support.cart_steps import Steps

SEQUENCES = int(os.environ.get("CARTD_TEST_SEQUENCES") or how_many(300, quick=25, long=1000))
REFUSALS = {
    "cart-closed",
    "order-reference-mismatch",
    "cart-already-claimed",
    "item-not-in-cart",
    "unknown-sku",
    "price-unavailable",
    "quantity-out-of-range",
    "too-many-totals",
    "amount-too-large",
    "cart-empty",
    "total-changed",
    "prices-changed",
    "product-withdrawn",
    "nothing-to-undo",
    "no-such-version",
    "metadata-too-large",
    "properties-too-large",
}


class WholeModel(ModelCase):
    def test_random_sequences_give_what_the_model_gives(self):
        self.play_all(SEQUENCES, Steps, Play, REFUSALS)


if __name__ == "__main__":
    unittest.main()
