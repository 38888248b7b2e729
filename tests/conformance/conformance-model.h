/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-conformance-private.h"

G_BEGIN_DECLS

/* The tables of the asyncio examples: a has many b. */

CUPEL_DECLARE_ENTITY (ModelA, model_a)
CUPEL_DECLARE_ENTITY (ModelB, model_b)
CUPEL_DECLARE_ENTITY (WriteOnlyA, write_only_a)
CUPEL_DECLARE_ENTITY (WriteOnlyB, write_only_b)
CUPEL_DECLARE_ENTITY (ClassicA, classic_a)
CUPEL_DECLARE_ENTITY (ClassicB, classic_b)
CUPEL_DECLARE_ENTITY (StrictA, strict_a)
CUPEL_DECLARE_ENTITY (StrictB, strict_b)

/* the current form; write-only alike */
struct _ModelA
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
  GDateTime *create_date;
};

struct _ModelB
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 a_id;
  char *data;
};

struct _WriteOnlyA
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
  GDateTime *create_date;
};

struct _WriteOnlyB
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 a_id;
  char *data;
};

/* the form of 2020: no date, and b may be without an a */
struct _ClassicA
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
};

struct _ClassicB
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 a_id;
  char *data;
};

/* the form of the synopsis: data is not null */
struct _StrictA
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
  GDateTime *create_date;
};

struct _StrictB
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 a_id;
  char *data;
};

/* An a with that many b, each with data if @b_data */
CupelEntity    *model_new_parent       (GType                      type,
                                        const char                *data,
                                        guint                      n_children,
                                        gboolean                   b_data);
/* create_all and drop_all as CupelConnectionFunc; the data is the metadata */
gboolean        model_drop_all         (CupelConnection           *connection,
                                        gpointer                   metadata,
                                        GCancellable              *cancellable,
                                        GError                   **error);
gboolean        model_create_all       (CupelConnection           *connection,
                                        gpointer                   metadata,
                                        GCancellable              *cancellable,
                                        GError                   **error);
gboolean        model_drop_create_all  (CupelConnection           *connection,
                                        gpointer                   metadata,
                                        GCancellable              *cancellable,
                                        GError                   **error);
/* The first number of the first row, on a connection of its own that is not counted; -1 and a failed check without one */
gint64          model_query_int        (CupelConformanceContext   *context,
                                        CupelEngine               *engine,
                                        const char                *sql);
void            model_add_counts       (CupelConformanceCounts    *sum,
                                        const CupelConformanceCounts *part);
/* SELECTs that fetch what the server gave to the rows of @n_batches INSERTs: one for each, unless INSERT returns it */
guint           model_default_selects  (CupelConformanceContext   *context,
                                        guint                      n_batches);
/* At most that many INSERTs for @n_rows rows in @n_tables tables */
guint           model_max_inserts      (CupelConformanceContext   *context,
                                        guint                      n_tables,
                                        guint                      n_rows);

G_END_DECLS
