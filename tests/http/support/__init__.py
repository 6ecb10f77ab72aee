"""What the tests over HTTP share; see the package above for how to run them."""

import signal

from . import contract, fixtures
from .audit import AuditCase
from .case import ServiceCase, make_id, make_key, make_sku
from .client import Answer, Client, NoAnswer, encode_json
from .copies import coupon_stream_id, product_stream_id
from .corpus import CorpusCase
from .database import (
    Cluster,
    Database,
    Session,
    SqlError,
    change_url,
    find_server_programs,
    run_sql,
)
from .faults import FaultCase, Footprint
from .feed import FeedCase
from .free_port import take_free_port
from .haproxy import HaProxy, needs_haproxy
from .imports import ImportCase
from .ledger import FORGETFUL, HASTY, Load
from .load import Background, run_at_once, wait_until
from .nats import Nats, needs_nats
from .preload import Machine
from .proxy import ANSWER, CUT, FREEZE, REQUEST, RESET, Proxy
from .relay import RELAY, Redis, Relay, RelayCase, needs_redis
from .service import Service, complain_of_sanitizers, migrate, run_cartd
from .settings import (
    BINARY,
    DATABASE_URL,
    EXTERNAL_URL,
    IS_LONG,
    OPENAPI,
    how_many,
    needs_bare_process,
    needs_binary,
    needs_database,
    slow,
)
from .stream import EventStream
from .tokens import AuthCase, make_cart_token

# Whoever gives up waiting for the tests sends SIGTERM; what they have started ends with them.
signal.signal(signal.SIGTERM, signal.default_int_handler)

__all__ = [
    "ANSWER",
    "CUT",
    "FREEZE",
    "REQUEST",
    "RESET",
    "IS_LONG",
    "FaultCase",
    "Footprint",
    "FORGETFUL",
    "HASTY",
    "ImportCase",
    "Load",
    "Machine",
    "Answer",
    "product_stream_id",
    "AuditCase",
    "AuthCase",
    "BINARY",
    "Background",
    "Client",
    "Cluster",
    "CorpusCase",
    "DATABASE_URL",
    "Database",
    "EXTERNAL_URL",
    "EventStream",
    "FeedCase",
    "HaProxy",
    "NoAnswer",
    "OPENAPI",
    "Proxy",
    "RELAY",
    "Redis",
    "Relay",
    "RelayCase",
    "Service",
    "ServiceCase",
    "Session",
    "SqlError",
    "change_url",
    "complain_of_sanitizers",
    "contract",
    "encode_json",
    "find_server_programs",
    "history",
    "how_many",
    "fixtures",
    "make_cart_token",
    "make_id",
    "make_key",
    "make_sku",
    "migrate",
    "needs_bare_process",
    "needs_binary",
    "needs_database",
    "needs_haproxy",
    "Nats",
    "needs_nats",
    "needs_redis",
    "run_at_once",
    "run_cartd",
    "run_sql",
    "slow",
    "take_free_port",
    "wait_until",
]
