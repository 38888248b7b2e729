/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "texts.h"

#include <string.h>

static int
put_number (char    *text,
            guint64  number)
{
  char digits[24];
  int n = 0;

  do
    digits[n++] = (char) ('0' + number % 10);
  while ((number /= 10) > 0);
  for (int i = 0; i < n; i++)
    text[i] = digits[n - 1 - i];
  text[n] = '\0';
  return n;
}

int
bench_text (char       *text,
          const char *prefix,
          guint64     number)
{
  gsize length = strlen (prefix);

  memcpy (text, prefix, length);
  return (int) length + put_number (text + length, number);
}

int
bench_data (char    *text,
          guint64  number)
{
  memcpy (text, "data ", 5);
  return 5 + put_number (text + 5, number);
}

int
bench_new_data (char   *text,
              guint   generation,
              gint64  id)
{
  int n = 4;

  memcpy (text, "new ", 4);
  n += put_number (text + n, generation);
  text[n++] = ' ';
  return n + put_number (text + n, (guint64) id);
}
