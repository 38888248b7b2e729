/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* Appends @n_rows rows of @result. Unless @copy, text and bytes point into @result, which the block must then keep alive.
 * Suspends now and then when it is long and a fiber runs it. */
gboolean cupel_pg_decode_rows    (CupelRowBlock    *block,
                                  const PGresult   *result,
                                  guint             first,
                                  guint             n_rows,
                                  gboolean          copy,
                                  GError          **error);
/* One value in binary format; @value stays valid as long as the block. FALSE: it is malformed. */
gboolean cupel_pg_decode_value   (CupelRowBlock    *block,
                                  CupelCell        *cell,
                                  Oid               oid,
                                  const char       *value,
                                  guint             length);
/* The decimal text of a binary numeric; NULL: malformed. */
char    *cupel_pg_decode_numeric (CupelRowBlock    *block,
                                  const char       *value,
                                  guint             length,
                                  guint            *text_length);

G_END_DECLS
