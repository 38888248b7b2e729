/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* SQLAlchemy's own suites of performance tests: the names, the rows and the counts are theirs. Row i is "customer name i",
 * "customer description i". */

#include "bench.h"

G_BEGIN_DECLS

#define SUITE_BULK_ROWS    (100000 / bench_divisor)   /* bulk_inserts, bulk_updates: bench_customer */
#define SUITE_LARGE_ROWS   (500000 / bench_divisor)   /* large_resultsets: bench_customer_large */
#define SUITE_SELECTS      (10000 / bench_divisor)    /* short_selects: of bench_customer_short */
#define SUITE_INSERTS      (10000 / bench_divisor)    /* single_inserts: into bench_customer */
#define SUITE_SHORT_ROWS   10999
#define SUITE_CHUNK        MIN (1000u, SUITE_BULK_ROWS)
#define SUITE_FETCH        10000

/* Distinct, all over the table, and the same in every program */
#define SUITE_KEY(i)       ((gint64) (1 + ((guint) (i) * 7919u + 13u) % SUITE_SHORT_ROWS))

/* What of bulk_updates changes: one chunk after the other, with both ends, so that most ends are changed twice. */
#define SUITE_UPDATES      (SUITE_BULK_ROWS + SUITE_BULK_ROWS / SUITE_CHUNK - 1)
#define SUITE_APPENDED     "updated"

/* Name and description of rows 0 to n - 1 together */
gint64      suite_sum_lengths  (guint            n);
gint64      suite_sum_keys     (void);
guint64     suite_count_ops    (const char      *name);

/* "customer name I", "customer description I" with a NUL; give the length, which is less than 64 */
int         suite_customer_name        (char            *text,
                                        guint            i);
int         suite_customer_description (char            *text,
                                        guint            i);

/* SQL of the set-up, for "sqlite" and "postgresql" */
const char *suite_empty_sql    (const char      *dialect);
char       *suite_fill_sql     (const char      *dialect,
                                const char      *table,
                                guint            n);
char       *suite_short_sql    (const char      *dialect);
/* One row: how many there are in bench_customer, and the length of name and description together */
#define SUITE_CHECK_SQL "SELECT count(*), coalesce(sum(length(name) + length(description)), 0) FROM bench_customer"

G_END_DECLS
