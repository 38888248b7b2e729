/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dates and times as text, without allocation and without GDateTime: drivers call these for every cell. */

#include "sql/cupel-value-private.h"

#include <string.h>

#define USEC_PER_DAY (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)
/* Well beyond what 64 bits of microseconds can say, and far from overflow. */
#define DAYS_LIMIT   G_GINT64_CONSTANT (1000000000000000)

/* Days from civil and back: H. Hinnant's algorithms, the proleptic Gregorian calendar with a year 0. */
gint64
cupel_days_from_civil (gint64 year,
                       guint  month,
                       guint  day)
{
  gint64 era;
  guint yoe, doy, doe;

  year -= month <= 2;
  era = (year >= 0 ? year : year - 399) / 400;
  yoe = (guint) (year - era * 400);
  doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

  return era * 146097 + (gint64) doe - 719468;
}

void
cupel_civil_from_days (gint64  days,
                       gint64 *year,
                       guint  *month,
                       guint  *day)
{
  gint64 era;
  guint doe, yoe, doy, mp;

  days = CLAMP (days, -DAYS_LIMIT, DAYS_LIMIT) + 719468;
  era = (days >= 0 ? days : days - 146096) / 146097;
  doe = (guint) (days - era * 146097);
  yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  mp = (5 * doy + 2) / 153;
  *day = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = (gint64) yoe + era * 400 + (*month <= 2);
}

static guint
days_in_month (gint64 year,
               guint  month)
{
  static const guint8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

  if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
    return 29;

  return days[month - 1];
}

/**
 * cupel_cell_is_within_years: (skip)
 * @cell: a cell
 * @first: a year
 * @last: a year
 *
 * Tells whether a date, with a time or without, is of a year from @first to @last. What is no date is.
 *
 * Returns: %FALSE for a date of another year
 *
 * Since: 1.0
 */
gboolean
cupel_cell_is_within_years (const CupelCell *cell,
                            int              first,
                            int              last)
{
  gint64 days;

  g_return_val_if_fail (cell != NULL, FALSE);

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DATE:
      days = cell->v.i64;
      break;
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      days = cell->v.i64 / USEC_PER_DAY - (cell->v.i64 % USEC_PER_DAY < 0);
      break;
    default:
      return TRUE;
    }
  return days >= cupel_days_from_civil (first, 1, 1) && days <= cupel_days_from_civil (last, 12, 31);
}

static gboolean
two_digits (const char **p,
            const char  *end,
            guint       *value)
{
  const char *s = *p;

  if (end - s < 2 || !g_ascii_isdigit (s[0]) || !g_ascii_isdigit (s[1]))
    return FALSE;
  *value = (guint) (s[0] - '0') * 10 + (guint) (s[1] - '0');
  *p = s + 2;

  return TRUE;
}

static gboolean
literal_char (const char **p,
              const char  *end,
              char         c)
{
  if (*p == end || **p != c)
    return FALSE;
  (*p)++;

  return TRUE;
}

/* YYYY-MM-DD with four to six digits of year, years 1 to 294246: all that fits with the microseconds. */
static gboolean
scan_date (const char **p,
           const char  *end,
           gint64      *days)
{
  const char *s = *p;
  gint64 year = 0;
  guint n = 0, month, day;

  while (s < end && n < 6 && g_ascii_isdigit (*s))
    {
      year = year * 10 + (*s++ - '0');
      n++;
    }
  if (n < 4 || year < 1 || year > 294246 ||
      !literal_char (&s, end, '-') || !two_digits (&s, end, &month) ||
      !literal_char (&s, end, '-') || !two_digits (&s, end, &day))
    return FALSE;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month (year, month))
    return FALSE;

  *days = cupel_days_from_civil (year, month, day);
  *p = s;

  return TRUE;
}

/* HH:MM[:SS[.f...]]; digits past the microseconds are cut off */
static gboolean
scan_time (const char **p,
           const char  *end,
           gint64      *microseconds)
{
  const char *s = *p;
  guint hour, minute, second = 0, fraction = 0;

  if (!two_digits (&s, end, &hour) || !literal_char (&s, end, ':') || !two_digits (&s, end, &minute))
    return FALSE;
  if (literal_char (&s, end, ':'))
    {
      if (!two_digits (&s, end, &second))
        return FALSE;
      if (literal_char (&s, end, '.'))
        {
          guint scale = 100000;

          if (s == end || !g_ascii_isdigit (*s))
            return FALSE;
          for (; s < end && g_ascii_isdigit (*s); s++)
            {
              fraction += (guint) (*s - '0') * scale;
              scale /= 10;
            }
        }
    }
  if (hour > 24 || minute > 59 || second > 59 || (hour == 24 && (minute | second | fraction) != 0))
    return FALSE;

  *microseconds = ((gint64) hour * 3600 + minute * 60 + second) * G_USEC_PER_SEC + fraction;
  *p = s;

  return TRUE;
}

/* Z, +HH, +HHMM, +HH:MM, +HH:MM:SS */
static gboolean
scan_zone (const char **p,
           const char  *end,
           gint64      *seconds)
{
  const char *s = *p;
  gint64 sign;
  guint hour, minute = 0, second = 0;

  if (literal_char (&s, end, 'Z') || literal_char (&s, end, 'z'))
    {
      *seconds = 0;
      *p = s;
      return TRUE;
    }

  if (literal_char (&s, end, '+'))
    sign = 1;
  else if (literal_char (&s, end, '-'))
    sign = -1;
  else
    return FALSE;

  if (!two_digits (&s, end, &hour))
    return FALSE;
  if (s < end)
    {
      gboolean colon = literal_char (&s, end, ':');

      if (!two_digits (&s, end, &minute))
        return FALSE;
      if (colon && literal_char (&s, end, ':') && !two_digits (&s, end, &second))
        return FALSE;
    }
  if (hour > 18 || minute > 59 || second > 59)
    return FALSE;

  *seconds = sign * ((gint64) hour * 3600 + minute * 60 + second);
  *p = s;

  return TRUE;
}

static inline guint64
load_word (const char *s)
{
  guint64 word;

  memcpy (&word, s, sizeof word);
  return GUINT64_FROM_LE (word);
}

/* What nearly all dates look like, YYYY-MM-DD HH:MM:SS: all places are known. FALSE: look closer. */
static gboolean
scan_plain (const char *s,
            gint64     *microseconds)
{
  /* Digits become their value, and what should stand between them nothing; so each byte is at most 9, or it is something else. */
  const guint64 date = load_word (s) ^ G_GUINT64_CONSTANT (0x2d30302d30303030);          /* 0000-00- */
  const guint64 time = load_word (s + 8) ^ G_GUINT64_CONSTANT (0x30303a3030203030);      /* 00 00:00 */
  const guint64 rest = ((guint64) (guint8) s[16] | (guint64) (guint8) s[17] << 8 | (guint64) (guint8) s[18] << 16) ^ 0x30303a;
  const guint64 most_date = G_GUINT64_CONSTANT (0x7f76767f76767676), most_time = G_GUINT64_CONSTANT (0x76767f76767f7676);
  const guint64 tops = G_GUINT64_CONSTANT (0x8080808080808080);
  guint64 pairs;
  guint year, month, day, hour, minute, second, march_year;

  if ((((date + most_date) | date | (time + most_time) | time | (rest + 0x76767f) | rest) & tops) != 0)
    return FALSE;

  /* Ten times each digit and the one after it: every other byte of this is a number of two digits. */
#define PAIR(n) ((guint) (pairs >> (8 * (n))) & 0xff)
  pairs = date * 10 + (date >> 8);
  year = PAIR (0) * 100 + PAIR (2);
  month = PAIR (5);
  pairs = time * 10 + (time >> 8);
  day = PAIR (0);
  hour = PAIR (3);
  minute = PAIR (6);
  pairs = rest * 10 + (rest >> 8);
  second = PAIR (1);
#undef PAIR
  if (year < 1 || month < 1 || month > 12 || day < 1 || (day > 28 && day > days_in_month (year, month)) ||
      hour > 23 || minute > 59 || second > 59)
    return FALSE;

  /* As cupel_days_from_civil (), for years that are neither negative nor large. */
  march_year = year - (month <= 2);
  *microseconds = ((gint64) (march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 +
                             (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1) - 719468) * USEC_PER_DAY +
                  (gint64) ((hour * 60 + minute) * 60 + second) * G_USEC_PER_SEC;
  return TRUE;
}

/**
 * cupel_parse_datetime: (skip)
 * @text: text, which need not end with a NUL
 * @length: its length in bytes
 * @microseconds: (out): microseconds since 1970-01-01T00:00:00
 * @has_zone: (out) (optional): whether the text names a zone
 *
 * Reads an ISO 8601 date and time: `2024-02-29 12:34:56.789`, with a `T` for the space if need be; the time or its seconds
 * may be missing. Digits beyond the microseconds are cut off.
 *
 * A zone at the end (`Z`, `+01`, `+0100`, `+01:00`) makes it an instant: @microseconds then are those of UTC.
 *
 * Returns: %FALSE if the text is something else
 *
 * Since: 1.0
 */
gboolean
cupel_parse_datetime (const char *text,
                      gsize       length,
                      gint64     *microseconds,
                      gboolean   *has_zone)
{
  const char *p = text;
  const char *end = text + length;
  gint64 days, time = 0, zone = 0;
  gboolean zoned = FALSE;

  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (microseconds != NULL, FALSE);

  if (length == 19 && scan_plain (text, microseconds))
    {
      if (has_zone != NULL)
        *has_zone = FALSE;
      return TRUE;
    }
  if (!scan_date (&p, end, &days))
    return FALSE;

  if (p < end)
    {
      if (*p != ' ' && *p != 'T' && *p != 't')
        return FALSE;
      p++;
      if (!scan_time (&p, end, &time))
        return FALSE;
      if (end - p > 1 && *p == ' ')
        p++;
      if (p < end)
        {
          if (!scan_zone (&p, end, &zone))
            return FALSE;
          zoned = TRUE;
        }
      if (p != end)
        return FALSE;
    }

  *microseconds = days * USEC_PER_DAY + time - zone * G_USEC_PER_SEC;
  if (has_zone != NULL)
    *has_zone = zoned;

  return TRUE;
}

/**
 * cupel_parse_date: (skip)
 * @text: text, which need not end with a NUL
 * @length: its length in bytes
 * @days: (out): days since 1970-01-01
 *
 * Reads an ISO 8601 date: `2024-02-29`.
 *
 * Returns: %FALSE if the text is something else
 *
 * Since: 1.0
 */
gboolean
cupel_parse_date (const char *text,
                  gsize       length,
                  gint64     *days)
{
  const char *p = text;
  gint64 value;

  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (days != NULL, FALSE);

  if (!scan_date (&p, text + length, &value) || p != text + length)
    return FALSE;
  *days = value;

  return TRUE;
}

/**
 * cupel_parse_time: (skip)
 * @text: text, which need not end with a NUL
 * @length: its length in bytes
 * @microseconds: (out): microseconds since midnight
 *
 * Reads an ISO 8601 time of the day: `12:34:56.789`; the seconds may be missing. `24:00:00` is the end of the day.
 *
 * Returns: %FALSE if the text is something else
 *
 * Since: 1.0
 */
gboolean
cupel_parse_time (const char *text,
                  gsize       length,
                  gint64     *microseconds)
{
  const char *p = text;
  gint64 value;

  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (microseconds != NULL, FALSE);

  if (!scan_time (&p, text + length, &value) || p != text + length)
    return FALSE;
  *microseconds = value;

  return TRUE;
}

static char *
put_digits (char    *p,
            guint64  value,
            guint    least)
{
  char digits[20];
  guint n = 0;

  do
    {
      digits[n++] = (char) ('0' + value % 10);
      value /= 10;
    }
  while (value > 0);
  for (; least > n; least--)
    *p++ = '0';
  while (n > 0)
    *p++ = digits[--n];

  return p;
}

static char *
put_two (char  *p,
         guint  value)
{
  p[0] = (char) ('0' + value / 10);
  p[1] = (char) ('0' + value % 10);

  return p + 2;
}

static char *
put_date (char   *p,
          gint64  days)
{
  gint64 year;
  guint month, day;

  cupel_civil_from_days (days, &year, &month, &day);
  if (year < 0)
    *p++ = '-';
  p = put_digits (p, (guint64) (year < 0 ? -year : year), 4);
  *p++ = '-';
  p = put_two (p, month);
  *p++ = '-';

  return put_two (p, day);
}

static char *
put_time (char    *p,
          guint64  microseconds)
{
  guint64 seconds = microseconds / G_USEC_PER_SEC;
  guint fraction = (guint) (microseconds % G_USEC_PER_SEC);

  p = put_digits (p, seconds / 3600, 2);
  *p++ = ':';
  p = put_two (p, (guint) (seconds / 60 % 60));
  *p++ = ':';
  p = put_two (p, (guint) (seconds % 60));
  if (fraction != 0)
    {
      *p++ = '.';
      p = put_digits (p, fraction, 6);
    }

  return p;
}

/**
 * cupel_format_datetime: (skip)
 * @microseconds: microseconds since 1970-01-01T00:00:00
 * @buffer: (out caller-allocates): room for 40 bytes
 *
 * Writes `YYYY-MM-DD HH:MM:SS`, with six digits of fraction when there is one, and a NUL.
 *
 * Returns: the length without the NUL
 *
 * Since: 1.0
 */
gsize
cupel_format_datetime (gint64  microseconds,
                       char   *buffer)
{
  gint64 days = microseconds / USEC_PER_DAY;
  gint64 rest = microseconds % USEC_PER_DAY;
  char *p;

  if (rest < 0)
    {
      rest += USEC_PER_DAY;
      days--;
    }
  p = put_date (buffer, days);
  *p++ = ' ';
  p = put_time (p, (guint64) rest);
  *p = '\0';

  return (gsize) (p - buffer);
}

/**
 * cupel_format_date: (skip)
 * @days: days since 1970-01-01
 * @buffer: (out caller-allocates): room for 40 bytes
 *
 * Writes `YYYY-MM-DD` and a NUL.
 *
 * Returns: the length without the NUL
 *
 * Since: 1.0
 */
gsize
cupel_format_date (gint64  days,
                   char   *buffer)
{
  char *p = put_date (buffer, days);

  *p = '\0';

  return (gsize) (p - buffer);
}

/**
 * cupel_format_time: (skip)
 * @microseconds: microseconds since midnight; a duration, negative too, is written as such
 * @buffer: (out caller-allocates): room for 40 bytes
 *
 * Writes `HH:MM:SS`, with six digits of fraction when there is one, and a NUL.
 *
 * Returns: the length without the NUL
 *
 * Since: 1.0
 */
gsize
cupel_format_time (gint64  microseconds,
                   char   *buffer)
{
  char *p = buffer;

  if (microseconds < 0)
    *p++ = '-';
  p = put_time (p, microseconds < 0 ? -(guint64) microseconds : (guint64) microseconds);
  *p = '\0';

  return (gsize) (p - buffer);
}
