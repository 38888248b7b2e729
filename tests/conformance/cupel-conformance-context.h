/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

/**
 * CupelConformanceContext:
 *
 * What a scenario works with: engines on its own empty database, a count of what reached the server, and its checks.
 */
#define CUPEL_TYPE_CONFORMANCE_CONTEXT (cupel_conformance_context_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelConformanceContext, cupel_conformance_context, CUPEL, CONFORMANCE_CONTEXT, GObject)

/* Statements by kind; what create_all and drop_all ask the catalogue for and the first connection's probes are left out. A
 * statement with many sets of values is one. */
typedef struct
{
  guint creates;
  guint drops;
  guint inserts;
  guint updates;
  guint deletes;
  guint selects;
  guint others;
  guint begins;
  guint commits;
  guint rollbacks;
  guint connects;
  guint checkouts;
  guint cache_hits;
  guint many;        /* of all: with more than one set of values */
} CupelConformanceCounts;

/* Another engine on the scenario's database. It is disposed at the end, and nothing of it may be lent then. (transfer full) */
CUPEL_AVAILABLE_IN_1_0
CupelEngine      *cupel_conformance_context_create_engine  (CupelConformanceContext *self,
                                                            GError                 **error);
CUPEL_AVAILABLE_IN_1_0
const char       *cupel_conformance_context_get_url        (CupelConformanceContext *self);
CUPEL_AVAILABLE_IN_1_0
CupelCapabilities cupel_conformance_context_get_capabilities (CupelConformanceContext *self);
/* Since the last call of take_counts() */
CUPEL_AVAILABLE_IN_1_0
void              cupel_conformance_context_get_counts     (CupelConformanceContext *self,
                                                            CupelConformanceCounts  *counts);
/* The same, and starts at zero again */
CUPEL_AVAILABLE_IN_1_0
void              cupel_conformance_context_take_counts    (CupelConformanceContext *self,
                                                            CupelConformanceCounts  *counts);
/* Statements since the last call of take_counts(), the catalogue's left out */
CUPEL_AVAILABLE_IN_1_0
guint             cupel_conformance_context_get_statements (CupelConformanceContext *self);
/* Of the whole scenario */
CUPEL_AVAILABLE_IN_1_0
void              cupel_conformance_context_get_totals     (CupelConformanceContext *self,
                                                            CupelConformanceCounts  *totals);
/* (transfer none) (nullable): the newest that was counted */
CUPEL_AVAILABLE_IN_1_0
const char       *cupel_conformance_context_get_last_sql   (CupelConformanceContext *self);
/* Tables to drop at the end, for a database that cannot be dropped as a whole */
CUPEL_AVAILABLE_IN_1_0
void              cupel_conformance_context_add_metadata   (CupelConformanceContext *self,
                                                            CupelMetadata           *metadata);

/* Each records one line in the table of steps, and returns whether it holds. */
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_conformance_check                  (CupelConformanceContext *self,
                                                            const char              *step,
                                                            gboolean                 condition,
                                                            const char              *format,
                                                            ...) G_GNUC_PRINTF (4, 5);
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_conformance_check_int              (CupelConformanceContext *self,
                                                            const char              *step,
                                                            const char              *what,
                                                            gint64                   got,
                                                            gint64                   expected);
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_conformance_check_at_most          (CupelConformanceContext *self,
                                                            const char              *step,
                                                            const char              *what,
                                                            gint64                   got,
                                                            gint64                   limit);
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_conformance_check_string           (CupelConformanceContext *self,
                                                            const char              *step,
                                                            const char              *what,
                                                            const char              *got,
                                                            const char              *expected);
/* @error is of CUPEL_ERROR with @code, and its message has each of @naming, separated by "|". (nullable) */
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_conformance_check_error            (CupelConformanceContext *self,
                                                            const char              *step,
                                                            const char              *what,
                                                            const GError            *error,
                                                            CupelError               code,
                                                            const char              *naming);
/* Nothing of @engine is lent. */
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_conformance_check_returned         (CupelConformanceContext *self,
                                                            const char              *step,
                                                            CupelEngine             *engine);

G_END_DECLS
