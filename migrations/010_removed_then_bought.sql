-- Which customers took a sku out of a cart, and which bought it after that. A customer is the UUIDv5
-- of a cart's customer_id or, where there is none, the cart itself. Rows are only added, but for a
-- rebuild.
CREATE TABLE removals (
    position   bigint           NOT NULL, -- of the event that took the last of it out of a cart
    removed_at timestamptz      NOT NULL,
    customer   uuid             NOT NULL,
    sku        text COLLATE "C" NOT NULL,
    PRIMARY KEY (position, sku)
);
CREATE INDEX removals_of_customer ON removals (customer, sku, position);

CREATE TABLE removals_bought (
    position  bigint           NOT NULL, -- of the checkout
    waited_us bigint           NOT NULL, -- since the customer's last removal before it
    customer  uuid             NOT NULL,
    sku       text COLLATE "C" NOT NULL,
    PRIMARY KEY (position, sku)
);
INSERT INTO projection_checkpoints (name) VALUES ('removed_then_bought');
