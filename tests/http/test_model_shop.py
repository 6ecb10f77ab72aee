"""Several carts, customers and coupons in random sequences of commands: the service must answer what
a model in plain Python says. In the model, what is true of several carts is counted in all of them:
who has an open cart, and how often a coupon is used."""

import os
import unittest

from support import how_many, needs_binary
from support.cart_content import STATUS_OF
from support.cart_play import ModelCase
from support.shop_play import ShopPlay
from support.shop_steps import ShopSteps

# In each of the two classes.
SEQUENCES = int(os.environ.get("CARTD_TEST_SEQUENCES") or how_many(25, quick=12, long=500))


class ManyOpenCarts(ModelCase):
    def test_random_sequences_give_what_the_model_gives(self):
        def make_play(client, steps):
            return ShopPlay(client, steps, has_one_open_cart=False)

        self.play_all(SEQUENCES, ShopSteps, make_play, set(STATUS_OF) - {"open-cart-exists"})


@needs_binary
class OneOpenCart(ModelCase):
    settings = {"CARTD_OPEN_CARTS": "one"}

    def test_random_sequences_give_what_the_model_gives(self):
        def make_play(client, steps):
            return ShopPlay(client, steps, has_one_open_cart=True)

        self.play_all(SEQUENCES, ShopSteps, make_play, set(STATUS_OF))


if __name__ == "__main__":
    unittest.main()
