/*
 * Access: who the caller is, and what the caller may do. The table of routes says for each
 * operation what it needs, access.c what that comes to; which carts are whose is decided where the
 * carts are.
 */
#ifndef CARTD_HTTP_ACCESS_H
#define CARTD_HTTP_ACCESS_H

#include "problems.h"
#include "request.h"

/* Characters of a Cart-Token: 256 random bits as base64url. */
#define HTTP_CART_TOKEN_LENGTH 43

/* Finds the caller, into identity; or token_complaint, for http_authorize() to refuse. */
void http_identify(struct http_request *request);
/* Finds out what is the caller's, into rights and actor; refuses a caller who may not do what
 * `access` stands for. */
const struct http_refusal *http_authorize(struct http_request *request, enum http_access access)
    BASE_MUST_CHECK;
/* Refuses commands that need more than their operation does: a scope of their own. */
const struct http_refusal *http_authorize_commands(struct http_request *request) BASE_MUST_CHECK;
/* Whether the caller may, without a refusal. */
bool http_may(const struct http_request *request, enum http_access access) BASE_MUST_CHECK;
/* Whether the caller may be told what has become of a coupon. */
bool http_knows_coupons(const struct http_request *request) BASE_MUST_CHECK;
/* 403: the caller may do this, but not for that customer. */
const struct http_refusal *http_refuse_other_customer(struct http_request *request);
/* Whether a text is of the form of a Cart-Token. */
bool http_is_resume_token(const char *text) BASE_MUST_CHECK;
/* A new one, in the arena: the id of the cart, which anybody may know, and 256 random bits. */
const char *http_make_resume_token(struct base_arena *arena, const struct base_uuid *cart_id);
/* The cart that a text is a resume token of; whether the cart has that one, its hash says. False:
 * it is none of any cart. */
bool http_read_resume_token(const char *text, struct base_arena *arena, struct base_uuid *cart_id)
    BASE_MUST_CHECK;
bool http_is_cart_token(const char *text) BASE_MUST_CHECK;
/* A new one, in the arena. */
const char *http_make_cart_token(struct base_arena *arena);

#endif
