/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* How many rows of a result become cells at a time, when they are used block by block. */
#define CUPEL_PG_BLOCK_ROWS 1000

G_DECLARE_FINAL_TYPE (CupelPgResultCursor, cupel_pg_result_cursor, CUPEL_PG, RESULT_CURSOR, CupelDriverCursor)

/* The rows of a result that is there already. They are decoded as they are fetched, so that the cells of a long result are never all
 * in memory, and are used while the cache has them. */
CupelDriverCursor *cupel_pg_result_cursor_new (PGresult *result);   /* (transfer full) */

G_END_DECLS
