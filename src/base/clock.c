#include "base.h"

#include <assert.h>
#include <time.h>

enum { US_PER_SECOND = 1000000 };

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec now;
    int failed = clock_gettime(clock, &now);
    assert(failed == 0);
    (void)failed; /* Both clocks are there on every Linux. */
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t base_clock_now_us(void)
{
    return read_clock_us(CLOCK_REALTIME);
}

int64_t base_clock_monotonic_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

/* Decimal with leading zeros; by hand, as printf takes several times as long and every cart that
 * is answered has times in it. */
static void put_digits(char *text, size_t n_digits, int64_t number)
{
    for (size_t i = n_digits; i > 0; i--) {
        text[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}

void base_time_format(int64_t unix_us, char text[static BASE_TIME_SIZE])
{
    int64_t us = unix_us % US_PER_SECOND;
    if (us < 0)
        us += US_PER_SECOND;
    time_t seconds = (time_t)((unix_us - us) / US_PER_SECOND);
    struct tm parts;
    const struct tm *is_known = gmtime_r(&seconds, &parts);
    assert(is_known != NULL && parts.tm_year >= -1900 && parts.tm_year <= 9999 - 1900);
    (void)is_known;

    static const char form[BASE_TIME_SIZE] = "0000-00-00T00:00:00.000000Z";
    for (size_t i = 0; i < BASE_TIME_SIZE; i++)
        text[i] = form[i];
    put_digits(text, 4, parts.tm_year + 1900);
    put_digits(text + 5, 2, parts.tm_mon + 1);
    put_digits(text + 8, 2, parts.tm_mday);
    put_digits(text + 11, 2, parts.tm_hour);
    put_digits(text + 14, 2, parts.tm_min);
    put_digits(text + 17, 2, parts.tm_sec);
    put_digits(text + 20, 6, us);
}
