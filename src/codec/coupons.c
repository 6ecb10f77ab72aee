#include <stdlib.h>
#include <string.h>

#include "codec_fields.h"

/* ---- documents ------------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct coupon, member)

/* What its definition does not say. */
static const struct codec_field state_fields[] = {
    {FIELD("version", INTEGER, version), .least = 1, .most = INT32_MAX},
    {FIELD("used", INTEGER, n_redeemed), .most = INT32_MAX}, /* one event each */
    {FIELD("withdrawn", BOOLEAN, is_withdrawn)},
    {.name = NULL},
};

#undef FIELD

static void write_definition(struct base_buffer *out, const struct coupon *coupon)
{
    codec_write_coupon_event(
        out, &(struct coupon_event){.type = COUPON_EVENT_DEFINED, .defined = coupon->definition});
}

void codec_write_coupon(struct base_buffer *out, const struct coupon *coupon)
{
    write_definition(out, coupon);
    size_t end = out->length - 1;
    codec_write_fields(out, state_fields, coupon);
    out->bytes[end] = ','; /* One object of both: no brace between them. */
    memmove(out->bytes + end + 1, out->bytes + end + 2, out->length - end - 2);
    out->length--;
}

void codec_append_updated_at(struct base_buffer *out, int64_t updated_at_us)
{
    char time[BASE_TIME_SIZE];
    base_time_format(updated_at_us, time);
    out->length--; /* The closing brace moves to the end. */
    base_buffer_printf(out, ",\"updated_at\":\"%s\"}", time);
}

/* ---- snapshots ------------------------------------------------------------------------------- */

void codec_write_coupon_snapshot(struct base_buffer *out, const struct coupon *coupon)
{
    base_buffer_append_text(out, "{\"defined\":");
    write_definition(out, coupon);
    base_buffer_append_text(out, ",\"state\":");
    codec_write_fields(out, state_fields, coupon);
    base_buffer_append_text(out, ",\"updated_at_us\":");
    base_buffer_append_int(out, coupon->updated_at_us);
    base_buffer_append_char(out, '}');
}

bool codec_read_coupon_snapshot(const char *json, struct base_arena *arena, struct coupon *coupon)
{
    json_auto_t *members = codec_json_load(json);
    struct codec_reader reader = {.arena = arena};
    json_t *updated_at_us = json_object_get(members, "updated_at_us");
    struct codec_object state = {
        .reader = &reader, .members = json_object_get(members, "state"), .path = {.root = ""}};
    struct coupon_event defined;
    if (!json_is_integer(updated_at_us) ||
        !codec_read_coupon_event_members(
            &reader, COUPON_EVENT_DEFINED, json_object_get(members, "defined"), &defined))
        return false;
    codec_read_fields(&state, state_fields, coupon);
    coupon->definition = defined.defined;
    coupon->updated_at_us = json_integer_value(updated_at_us);
    return !reader.is_refused;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void check_code(const struct codec_object *body, const char *code)
{
    if (!body->reader->is_refused && codec_fold_code(body->reader->arena, code) == NULL)
        codec_complain_of_member(
            body, "code",
            "code must not have slashes or characters that are not assigned in Unicode, must not "
            "be . "
            "or .., and must have 1 to %d characters without regard to case too.",
            COUPON_CODE_MAX);
}

static void check_definition(
    const struct codec_object *body, const struct coupon_definition *definition)
{
    bool is_percent = definition->percent_hundredths > 0;
    bool is_amount = definition->amounts.n > 0;
    if (body->reader->is_refused)
        return;
    if (is_percent == is_amount)
        codec_complain(
            body->reader, &body->path,
            "A coupon has either percent or amount, and at least one amount; this one has %s.",
            is_percent ? "both" : "neither");
    if (definition->starts_at_us != COUPON_TIME_NONE &&
        definition->ends_at_us != COUPON_TIME_NONE &&
        definition->ends_at_us <= definition->starts_at_us)
        codec_complain_of_member(body, "ends_at", "ends_at must be later than starts_at.");
}

enum codec_outcome codec_read_coupon(
    struct codec_body body, bool names_code, struct base_arena *arena,
    struct coupon_definition *definition, struct codec_complaints *complaints)
{
    BASE_CLEANUP(codec_finish_request)
    struct codec_request request = {.fields = codec_definition_fields + (names_code ? 0 : 1)};
    struct coupon_definition read = {.code = NULL};
    enum codec_outcome outcome = codec_begin_request(&request, body, arena, complaints, &read);
    if (outcome != CODEC_READ)
        return outcome;
    if (names_code)
        check_code(&request.body, read.code);
    check_definition(&request.body, &read);
    outcome = codec_end_request(&request);
    if (outcome == CODEC_READ)
        *definition = read;
    return outcome;
}
