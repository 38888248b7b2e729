/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-connection.h"

G_BEGIN_DECLS

/* A SELECT by a list of keys, as loaders send it: operand IN ($1, $2, ...), and these are all its parameters. As one array it is planned
 * once; with hundreds of parameters the server plans it each time, which takes longer than to find the rows.
 *
 * If @request is of that kind, the array is put into conn->params; @buffer keeps it and is the caller's to clear. FALSE: it is not. */
gboolean cupel_pg_list_encode   (CupelPgConnection   *self,
                                 const CupelRequest  *request,
                                 CupelPgBuffer       *buffer);
/* The text with the array; for cupel_pg_flight_add_statement_func (). */
char    *cupel_pg_list_make_sql (gpointer             compiled);

G_END_DECLS
