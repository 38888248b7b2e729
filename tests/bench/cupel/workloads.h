/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The workloads of the benchmark with Cupel. Each runs in a fiber, and its data is a Context. */

#include <cupel.h>

#include "../bench.h"

G_BEGIN_DECLS

/* The engine that all repetitions of a case share: what can be kept between uses is kept. */
typedef struct
{
  CupelEngine *engine;
  GError      *error;
} Context;

extern const BenchCase *workloads[];
extern const BenchCase scaling_cases[];

gboolean failed       (Bench      *bench,
                       Context    *context);
gboolean execute      (Context    *context,
                       const char *sql);
gint64   query_int64  (Context    *context,
                       const char *sql);

gboolean prepare      (Bench *bench, gpointer data);
gboolean w1           (Bench *bench, gpointer data);
gboolean w2           (Bench *bench, gpointer data);
gboolean w3           (Bench *bench, gpointer data);
gboolean w4           (Bench *bench, gpointer data);
gboolean w5           (Bench *bench, gpointer data);
gboolean w6           (Bench *bench, gpointer data);
gboolean w7           (Bench *bench, gpointer data);
gboolean w7t          (Bench *bench, gpointer data);
gboolean w8           (Bench *bench, gpointer data);
gboolean w9           (Bench *bench, gpointer data);

/* The mapped classes. */

#define DECLARE_A(Type, prefix)                                                                         \
  CUPEL_DECLARE_ENTITY (Type, prefix)                                                                   \
  struct _##Type                                                                                        \
  {                                                                                                     \
    CupelEntity parent_instance;                                                                        \
    gint64 id;                                                                                          \
    char *data;                                                                                         \
    GDateTime *create_date;                                                                             \
  };

#define DEFINE_A(Type, prefix, table, ...)                                                              \
  static const CupelColumnSpec prefix##_columns[] = {                                                   \
    CUPEL_COLUMN (Type, id, INT64, .primary_key = TRUE),                                                \
    CUPEL_COLUMN (Type, data, STRING, .length = 255),                                                   \
    CUPEL_COLUMN (Type, create_date, DATETIME, .not_null = TRUE, .server_default = "now()"),            \
  };                                                                                                    \
  CUPEL_DEFINE_ENTITY (Type, prefix, table, prefix##_columns, ##__VA_ARGS__)

#define DECLARE_B(Type, prefix)                                                                         \
  CUPEL_DECLARE_ENTITY (Type, prefix)                                                                   \
  struct _##Type                                                                                        \
  {                                                                                                     \
    CupelEntity parent_instance;                                                                        \
    gint64 id;                                                                                          \
    gint64 a_id;                                                                                        \
    char *data;                                                                                         \
  };

DECLARE_A (Large, large)         /* bench_1m */
DECLARE_A (Many, many)           /* bench_100k */
DECLARE_A (Changed, changed)     /* bench_u */
DECLARE_A (Aa, aa)               /* bench_a */
DECLARE_B (Bb, bb)               /* bench_b */
DECLARE_A (NewA, new_a)          /* bench_wa */
DECLARE_B (NewB, new_b)          /* bench_wb */

G_END_DECLS
