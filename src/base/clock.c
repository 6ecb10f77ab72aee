#include "base.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)

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

/* ---- the calendar ---------------------------------------------------------------------------- */

/* Four centuries, after which the Gregorian calendar repeats itself, and the days from the March of
 * the year 0 to 1970. Years are counted from March, so that the leap day is the last of its year,
 * and from four centuries before the year 0, so that nothing is negative. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, DAYS_TO_1970 = 719468 };

/* The days from 1970-01-01 to a day. */
static int64_t count_days(int64_t year, int64_t month, int64_t day)
{
    int64_t years = (month > 2 ? year : year - 1) + ERA_YEARS;
    int64_t months = (month + 9) % 12;
    /* From March on the lengths of months repeat every five, 153 days. */
    int64_t day_of_year = (153 * months + 2) / 5 + day - 1;
    int64_t era = years / ERA_YEARS;
    int64_t year_of_era = years % ERA_YEARS;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (era - 1) * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

/* The day that is so many days after 1970-01-01. The C library's gmtime_r() looks at time zones
 * first, under a lock, and takes several times as long, and every cart that is answered has times
 * in it. */
static void find_day(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t moved = days + DAYS_TO_1970 + ERA_DAYS;
    int64_t era = moved / ERA_DAYS;
    int64_t day_of_era = moved % ERA_DAYS;
    /* Without its leap days: one in four years, but for each century, but for the fourth. */
    int64_t n_leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
    int64_t year_of_era = (day_of_era - n_leap_days) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t months = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * months + 2) / 5 + 1;
    *month = months < 10 ? months + 3 : months - 9;
    *year = (era - 1) * ERA_YEARS + year_of_era + (*month <= 2);
}

/* Decimal with leading zeros; by hand, as printf takes several times as long. */
static void put_digits(char *text, size_t n_digits, int64_t number)
{
    for (size_t i = n_digits; i > 0; i--) {
        text[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}

void base_time_format(int64_t unix_us, char text[static BASE_TIME_SIZE])
{
    assert(unix_us >= BASE_TIME_LEAST_US && unix_us <= BASE_TIME_MOST_US);
    int64_t since_us = unix_us - BASE_TIME_LEAST_US; /* from a midnight too, and not negative */
    int64_t us = since_us % US_PER_DAY;
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    find_day((unix_us - us) / US_PER_DAY, &year, &month, &day);
    int64_t second = us / US_PER_SECOND;

    static const char form[BASE_TIME_SIZE] = "0000-00-00T00:00:00.000000Z";
    memcpy(text, form, BASE_TIME_SIZE);
    put_digits(text, 4, year);
    put_digits(text + 5, 2, month);
    put_digits(text + 8, 2, day);
    put_digits(text + 11, 2, second / 3600);
    put_digits(text + 14, 2, second / 60 % 60);
    put_digits(text + 17, 2, second % 60);
    put_digits(text + 20, 6, us % US_PER_SECOND);
}

/* ---- RFC 3339, section 5.6 ------------------------------------------------------------------- */

/* Exactly n digits, whose number must be within [least, most]; `*text` moves behind them. */
static bool take_number(
    const char **text, size_t n_digits, int64_t least, int64_t most, int64_t *number)
{
    int64_t read = 0;
    for (size_t i = 0; i < n_digits; i++) {
        char digit = (*text)[i];
        if (digit < '0' || digit > '9')
            return false;
        read = read * 10 + (digit - '0');
    }
    if (read < least || read > most)
        return false;
    *text += n_digits;
    *number = read;
    return true;
}

/* One byte of `either`. */
static bool take_byte(const char **text, const char *either)
{
    for (; *either != '\0'; either++) {
        if (**text == *either) {
            (*text)++;
            return true;
        }
    }
    return false;
}

static bool take_date(const char **text, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (!take_number(text, 4, 0, 9999, &year) || !take_byte(text, "-") ||
        !take_number(text, 2, 1, 12, &month) || !take_byte(text, "-"))
        return false;
    bool is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int64_t length = lengths[month - 1] + (month == 2 && is_leap_year);
    if (!take_number(text, 2, 1, length, &day))
        return false;
    *days = count_days(year, month, day);
    return true;
}

/* From midnight. */
static bool take_time(const char **text, int64_t *us)
{
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    if (!take_number(text, 2, 0, 23, &hour) || !take_byte(text, ":") ||
        !take_number(text, 2, 0, 59, &minute) || !take_byte(text, ":") ||
        !take_number(text, 2, 0, 60, &second))
        return false;
    *us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
    if (!take_byte(text, "."))
        return true;
    int64_t digit = 0;
    int64_t unit_us = US_PER_SECOND / 10;
    if (!take_number(text, 1, 0, 9, &digit))
        return false;
    do {
        /* There is nothing between the last microsecond of a leap second and the next one. */
        *us += second == 60 ? 0 : digit * unit_us;
        unit_us /= 10;
    } while (take_number(text, 1, 0, 9, &digit));
    return true;
}

static bool take_offset(const char **text, int64_t *us)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    if (take_byte(text, "Zz")) {
        *us = 0;
        return true;
    }
    int sign = **text == '-' ? -1 : 1;
    if (!take_byte(text, "+-") || !take_number(text, 2, 0, 23, &hours) || !take_byte(text, ":") ||
        !take_number(text, 2, 0, 59, &minutes))
        return false;
    *us = sign * (hours * 60 + minutes) * 60 * US_PER_SECOND;
    return true;
}

bool base_time_parse(const char *text, int64_t *unix_us)
{
    int64_t days = 0;
    int64_t time_us = 0;
    int64_t offset_us = 0;
    if (!take_date(&text, &days) || !take_byte(&text, "Tt ") || !take_time(&text, &time_us) ||
        !take_offset(&text, &offset_us) || *text != '\0')
        return false;
    int64_t read_us = days * US_PER_DAY + time_us - offset_us;
    if (read_us < BASE_TIME_LEAST_US || read_us > BASE_TIME_MOST_US)
        return false;
    *unix_us = read_us;
    return true;
}
