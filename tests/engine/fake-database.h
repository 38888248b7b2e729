/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

/* A database in this process that fails on demand: dialect "fake". Its statements are texts:
 *
 *   rows N       N rows (id, name), N counted from 1
 *   fail         an error of the class in knobs.error; the transaction is then knobs.status_after_error
 *   implicit     ends the transaction, as DDL does on some servers
 *   slow         takes knobs.delay or, without that, minutes, and as long as there is knobs.hold; can be cancelled: the state is then UNKNOWN, or as before with knobs.clean_cancel
 *   SAVEPOINT n, RELEASE SAVEPOINT n, ROLLBACK TO SAVEPOINT n   the last one mends a failed transaction
 *   existing     the tables that CREATE TABLE made
 *
 * Everything else succeeds. What the "server" hears is in the log. */

typedef struct
{
  guint                  fail_connects;        /* so many of the next */
  CupelErrorCategory     connect_category;     /* of those that fail */
  guint64                connect_delay;        /* microseconds */
  guint                  fail_initialize;      /* so many of the next */
  guint64                delay;                /* of every execution */
  gboolean               hold;                 /* "slow" goes on */
  CupelError             error;                /* of "fail" */
  CupelErrorCategory     category;             /* of "fail" */
  gboolean               clean_cancel;
  gboolean               fail_begin;
  gboolean               fail_rollback;
  gboolean               fail_savepoint;       /* all three */
  gboolean               no_savepoints;        /* the server has none; asked at the first connection of an engine */
  CupelTransactionStatus status_after_error;
  gboolean               disconnect;           /* "fail" and commit lose the link */
  gboolean               fail_commit;
  gboolean               fail_ping;
  gboolean               fail_reset;
  guint64                reset_delay;
  gboolean               fail_cursor_close;
  gboolean               dead;                 /* is_alive says FALSE */
} FakeKnobs;

typedef struct
{
  guint n_connected;      /* now */
  guint n_connects;       /* ever */
  guint n_initialized;
  guint n_executed;
  guint n_ended;          /* close or terminate */
} FakeFigures;

extern FakeKnobs   fake_knobs;
extern FakeFigures fake_figures;

void         fake_database_register (void);
/* Forgets everything, for the next test. */
void         fake_database_reset    (void);
/* What was heard since the last call, joined by "; ". */
char        *fake_database_take_log (void);
void         fake_database_forget_log (void);
/* The last connection made; borrowed. */
CupelDriverConnection *fake_database_last (void);
