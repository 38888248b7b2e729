/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-conformance.h"

G_BEGIN_DECLS

/* One line of the table of steps */
typedef struct
{
  char     *step;
  char     *text;
  gboolean  passed;
} CupelConformanceStep;

/* The outcome of one scenario on one URL */
typedef enum
{
  CUPEL_CONFORMANCE_PASSED,
  CUPEL_CONFORMANCE_FAILED,
  CUPEL_CONFORMANCE_SKIPPED,
} CupelConformanceStatus;

typedef struct
{
  CupelConformanceScenario *scenario;
  CupelConformanceStatus status;
  char *reason;             /* of the skip */
  GPtrArray *steps;
  gint64 duration;          /* microseconds */
  gint64 stall;             /* microseconds: the longest that the loop was kept */
  gint64 frame;             /* likewise, from those whose priority is the one that an interface is drawn at */
} CupelConformanceResult;

/* All of them on one URL */
typedef struct
{
  char *url;                /* without its password */
  char *name;               /* a short one for tables */
  GPtrArray *results;
  gint64 stall;
  const char *stall_scenario;
  gint64 frame;
} CupelConformanceColumn;

typedef enum
{
  CUPEL_CONFORMANCE_MATRIX,
  CUPEL_CONFORMANCE_TAP,
  CUPEL_CONFORMANCE_JUNIT,
  CUPEL_CONFORMANCE_HTML,
} CupelConformanceFormat;

/* the context */
CupelConformanceContext *cupel_conformance_context_new       (const char               *url,
                                                              CupelCapabilities         capabilities,
                                                              const char               *catalogue);
GPtrArray               *cupel_conformance_context_get_steps (CupelConformanceContext  *self);
/* In a fiber: what is still lent, then disposes every engine. */
void                     cupel_conformance_context_finish    (CupelConformanceContext  *self);

/* an empty database */
typedef struct
{
  char *url;            /* what the scenario gets */
  char *base_url;       /* from which it is made and removed */
  char *undo;           /* SQL, or NULL */
  char *path;           /* file, or NULL */
} CupelConformanceDatabase;

CupelConformanceDatabase *cupel_conformance_database_new  (const char                *url,
                                                           GError                   **error);
gboolean                  cupel_conformance_database_drop (CupelConformanceDatabase  *self,
                                                           GError                   **error);
void                      cupel_conformance_database_free (CupelConformanceDatabase  *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelConformanceDatabase, cupel_conformance_database_free)

/* how long the loop is kept from polling */
void   cupel_conformance_watchdog_start (GMainContext *context);
gint64 cupel_conformance_watchdog_stop  (GMainContext *context,
                                         gint64       *frame);

/* what came of it */
void cupel_conformance_report_begin  (CupelConformanceFormat         format,
                                      guint                          n_tests,
                                      GString                       *output);
void cupel_conformance_report_result (CupelConformanceFormat         format,
                                      const CupelConformanceColumn  *column,
                                      const CupelConformanceResult  *result,
                                      guint                          number,
                                      gboolean                       verbose,
                                      GString                       *output);
void cupel_conformance_report_end    (CupelConformanceFormat         format,
                                      GPtrArray                     *columns,
                                      gboolean                       verbose,
                                      gboolean                       colour,
                                      GString                       *output);

void cupel_conformance_result_free (CupelConformanceResult *result);
void cupel_conformance_column_free (CupelConformanceColumn *column);

G_END_DECLS
