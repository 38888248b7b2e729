/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

/* What one call of the library is made on. */
typedef struct
{
  const char      *url;
  CupelEngine     *engine;         /* with a pool of one connection */
  CupelConnection *connection;
  CupelSession    *session;
  CupelTransaction *transaction;
  CupelStream     *stream;
  CupelEntity     *entity;
  CupelMetadata   *metadata;       /* of a table that only the tests of create and drop use */
} SweepContext;

typedef enum
{
  SWEEP_NONE    = 0,
  SWEEP_ROWS    = 1 << 0,    /* needs a database that holds rows, which the fake one does not */
  SWEEP_ENDS    = 1 << 1,    /* commits: nobody may know whether it succeeded */
  SWEEP_COMMITS = 1 << 2,    /* likewise, and its success is a row in sweep_parent */
} SweepFlags;

/* A call that suspends: every one in the headers is here or in sweep_exemptions. */
typedef struct
{
  const char *name;
  SweepFlags  flags;
  /* Up to the call, undisturbed; NULL: nothing */
  gboolean  (*prepare) (SweepContext  *context,
                        GError       **error);
  gboolean  (*call)    (SweepContext  *context,
                        GCancellable  *cancellable,
                        GError       **error);
} SweepSubject;

typedef struct
{
  const char *name;
  const char *reason;
} SweepExemption;

extern const SweepSubject   sweep_subjects[];      /* ends with a name of NULL */
extern const SweepExemption sweep_exemptions[];    /* likewise */

/* For the helper engine: tables of this model, empty */
gboolean sweep_make_tables (CupelEngine   *engine,
                            GError       **error);
gboolean sweep_drop_tables (CupelEngine   *engine,
                            GError       **error);
CupelMetadata *sweep_made_metadata (void);
