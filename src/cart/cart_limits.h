/*
 * What a cart can hold, and how long its texts may be. A part of cart.h.
 */
#ifndef CARTD_CART_LIMITS_H
#define CARTD_CART_LIMITS_H

#define CART_LINES_MAX 250
#define CART_QUANTITY_MAX 1000000 /* of one line; what a product allows is less, mostly */
#define CART_SCALE_MAX 6
#define CART_AMOUNT_MAX INT64_C(9007199254740991) /* 2^53-1: exact in every JSON reader */
#define CART_COMMANDS_MAX 100                     /* in one request */
#define CART_EVENTS_MAX 1000                 /* of one request; no single command has as many */
#define CART_SKU_MAX 128                     /* code points */
#define CART_SKU_SIZE (4 * CART_SKU_MAX + 1) /* of a sku in UTF-8, with the terminating NUL */
#define CART_ITEM_ID_MAX 64
#define CART_CUSTOMER_ID_MAX 128     /* code points */
#define CART_ORDER_REFERENCE_MAX 128 /* code points */
#define CART_METADATA_MAX 4096       /* bytes as JSON */
#define CART_METADATA_DEPTH_MAX 3
#define CART_PROPERTIES_MAX 16 /* of one line */
#define CART_PROPERTY_NAME_MAX 32
#define CART_PROPERTY_VALUE_MAX 256    /* code points */
#define CART_PROPERTIES_BYTES_MAX 1024 /* as JSON */
#define CART_EMAIL_MAX 254             /* code points (RFC 5321, 4.5.3.1.3, without its brackets) */
#define CART_NOTE_MAX 2000             /* code points */
#define CART_REASON_MAX 256            /* code points */
#define CART_TOTALS_MAX 8
#define CART_TOTAL_NAME_MAX 32

#endif
