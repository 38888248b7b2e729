/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-fiber.h"

G_BEGIN_DECLS

/* The three ways to call. A suspending operation is one static CupelCall and one body; its public forms are three
 * lines each:
 *
 *   cupel_x_foo ()        -> cupel_call_sync ()    in a fiber: runs the body; no loop dispatching: blocks; else MISSING_FIBER
 *   cupel_x_foo_async ()  -> cupel_call_async ()   runs the body in a new fiber; the callback runs on the main stack
 *   cupel_x_foo_finish () -> cupel_call_finish ()
 *
 * A body returns NULL (or FALSE through GINT_TO_POINTER) with @error set, or its result. A result that may be NULL without
 * an error is allowed: cupel_call_finish() returns NULL and leaves @error alone. */
typedef gpointer (*CupelCallBody) (gpointer       self,
                                   gpointer       args,
                                   GCancellable  *cancellable,
                                   GError       **error);

/* Takes the one operation slot of an object for an asynchronous call, at once: until the first step of its fiber nobody else may have it.
 *
 * Returns the slot, which holds the name of the operation, and in @owner a reference to what it is part of; NULL with @error set: it is
 * taken; NULL alone: none is needed, or the body will say what is wrong. */
typedef const char **(*CupelCallClaim) (gpointer      self,
                                        gpointer      args,
                                        const char   *operation,
                                        GObject     **owner,
                                        GError      **error);

typedef struct
{
  const char     *name;          /* "cupel_session_commit", for messages and source tags */
  CupelCallBody   body;
  GDestroyNotify  free_result;   /* for a result that nobody fetched; NULL: a plain value */
  const char     *async_name;    /* what to call instead where it would block; NULL: name with "_async" */
  CupelCallClaim  claim;         /* NULL: there is no slot */
} CupelCall;

gpointer cupel_call_sync   (const CupelCall      *call,
                            gpointer              self,
                            gpointer              args,        /* borrowed */
                            GCancellable         *cancellable,
                            GError              **error);
void     cupel_call_async  (const CupelCall      *call,
                            gpointer              self,        /* GObject, referenced for the duration */
                            gpointer              args,        /* owned */
                            GDestroyNotify        free_args,
                            GCancellable         *cancellable,
                            GAsyncReadyCallback   callback,
                            gpointer              user_data);
gpointer cupel_call_finish (const CupelCall      *call,
                            gpointer              self,
                            GAsyncResult         *result,
                            GError              **error);

/* The three public forms of an operation that takes no arguments, below the documentation of each: of one that gives a thing, or NULL, and of
 * one that succeeds or not. Clean-up does not look at its cancellable. */
#define CUPEL_CALL_FORMS(name, Result, Type, IS_TYPE, call) \
  CUPEL_CALL_FORMS_FULL (name, Result, NULL, , Type, IS_TYPE, call)
#define CUPEL_CALL_FORMS_BOOLEAN(name, Type, IS_TYPE, call) \
  CUPEL_CALL_FORMS_FULL (name, gboolean, FALSE, GPOINTER_TO_INT, Type, IS_TYPE, call)

#define CUPEL_CALL_FORMS_FULL(name, Result, NOTHING, CONVERT, Type, IS_TYPE, call) \
  void \
  name##_async (Type                *self, \
                GCancellable        *cancellable, \
                GAsyncReadyCallback  callback, \
                gpointer             user_data) \
  { \
    g_return_if_fail (IS_TYPE (self)); \
    cupel_call_async (&call, self, NULL, NULL, cancellable, callback, user_data); \
  } \
  Result \
  name##_finish (Type          *self, \
                 GAsyncResult  *result, \
                 GError       **error) \
  { \
    g_return_val_if_fail (IS_TYPE (self), NOTHING); \
    return CONVERT (cupel_call_finish (&call, self, result, error)); \
  } \
  Result \
  name (Type          *self, \
        GCancellable  *cancellable, \
        GError       **error) \
  { \
    g_return_val_if_fail (IS_TYPE (self), NOTHING); \
    return CONVERT (cupel_call_sync (&call, self, NULL, cancellable, error)); \
  }

/* The blocking form runs on a context that each thread keeps for itself; fibers that are left there (a reset, a close) go on at the next
 * blocking call of that thread. This drives them until none is left, or until @deadline (monotonic time, -1: none); at once FALSE where
 * one may not block. When the thread ends, or the context goes, what they wait for fails with CANCELLED. */
gboolean cupel_call_drain  (gint64                deadline);

/* Whether the thread is in a blocking call now: of the fibers of the thread only those of its private context go on. */
gboolean cupel_call_is_blocking (void);

/* Makes the blocking call of the thread, if there is one, last until the release: for clean-up with a time limit of its own that was
 * left to a fiber. FALSE: none, and nothing to release. */
gboolean cupel_call_hold        (void);
void     cupel_call_release     (void);

/* Who asks, as far as it can wait for itself: the number of the fiber; CUPEL_CALLER_THREAD for the blocking calls of a thread, which
 * follow each other; 0 outside both. @name: of the fiber; nullable. */
#define CUPEL_CALLER_THREAD 1
guint64  cupel_call_get_caller (const char          **name);

G_END_DECLS
