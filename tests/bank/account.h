/*
 * account: an aggregate that lives in the tests alone. A transfer is one command about two streams:
 * the account that pays, which it is sent to, and the one that is paid. Of a transfer to whoever
 * has paid last only the state says which one that is.
 */
#ifndef CARTD_TESTS_ACCOUNT_H
#define CARTD_TESTS_ACCOUNT_H

#include "aggregate.h"

#define ACCOUNT_TEXT_MAX 64

enum account_fact_type { ACCOUNT_OPENED, ACCOUNT_PAID, ACCOUNT_RECEIVED };

struct account_fact {
    enum account_fact_type type;
    int64_t amount;
    struct base_uuid other;          /* the account at the other end */
    char transfer[ACCOUNT_TEXT_MAX]; /* its name; the same in both accounts */
};

struct account {
    int32_t version;
    int64_t balance;
    struct base_uuid last_payer; /* zero: nobody has paid */
    int64_t opened_at_us;
};

enum account_command_type { ACCOUNT_OPEN, ACCOUNT_PAY, ACCOUNT_PAY_BACK };

struct account_command {
    enum account_command_type type;
    int64_t amount;
    struct base_uuid from; /* the account itself */
    struct base_uuid to;   /* to pay */
    char transfer[ACCOUNT_TEXT_MAX];
};

enum account_refusal { ACCOUNT_NOT_FOUND = 1, ACCOUNT_TOO_POOR };

extern const struct aggregate aggregate_account;

#endif
