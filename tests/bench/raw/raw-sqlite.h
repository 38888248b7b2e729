/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <sqlite3.h>

#include "raw.h"

G_BEGIN_DECLS

typedef struct
{
  const char *file;
  sqlite3    *db;
} Raw;

extern const BenchCase raw_sqlite_suites[];

void          raw_must      (int           code,
                             sqlite3      *db);
sqlite3_stmt *raw_prepare   (sqlite3      *db,
                             const char   *sql);
void          raw_step_done (sqlite3_stmt *statement);

G_END_DECLS
