/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-flight.h"

G_BEGIN_DECLS

/* An UPDATE by key with many sets of values can be one statement that joins the table with them. It does the same as one UPDATE for each set,
 * one after the other, if it gives columns values, compares one integer column, which it does not change itself, and no two sets are for
 * the same key. Rows that are unique at each moment in one order may not be so in another, and triggers may want to see, or to change,
 * what the statement has not come to yet: an error of that kind says nothing, and the sets have to be tried one by one. */
gboolean cupel_pg_update_fits     (const CupelRequest  *request);
/* The text, with one array for each column; for cupel_pg_flight_add_statement_func (). */
char    *cupel_pg_update_make_sql (gpointer             compiled);
/* Whether @error may come from the order alone. */
gboolean cupel_pg_update_is_order (const GError        *error);

G_END_DECLS
