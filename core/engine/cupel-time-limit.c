/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-time-limit-private.h"
#include "runtime/cupel-error-private.h"

static gboolean
on_time (gpointer data)
{
  CupelTimeLimit *self = data;

  self->expired = TRUE;
  g_cancellable_cancel (self->own);
  return G_SOURCE_REMOVE;
}

static void
on_given_cancelled (GCancellable *given,
                    GCancellable *own)
{
  g_cancellable_cancel (own);
}

GCancellable *
cupel_time_limit_start (CupelTimeLimit *self,
                        gint64          length,
                        GCancellable   *given)
{
  *self = (CupelTimeLimit) { .own = g_cancellable_new (), .length = length };

  if (given != NULL)
    {
      self->given = g_object_ref (given);
      self->given_id = g_cancellable_connect (given, G_CALLBACK (on_given_cancelled), g_object_ref (self->own), g_object_unref);
    }
  self->timer = g_timeout_source_new (0);
  g_source_set_static_name (self->timer, "Cupel time limit");
  g_source_set_ready_time (self->timer, g_get_monotonic_time () + length);
  g_source_set_callback (self->timer, on_time, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());

  return self->own;
}

gboolean
cupel_time_limit_end (CupelTimeLimit *self)
{
  if (self->own == NULL)
    return FALSE;

  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  if (self->given != NULL)
    g_cancellable_disconnect (self->given, self->given_id);
  g_clear_object (&self->given);
  g_clear_object (&self->own);

  return self->expired;
}

void
cupel_time_limit_finish (CupelTimeLimit  *self,
                         const char      *what,
                         const char      *which,
                         GError         **error)
{
  gboolean cancelled = self->given != NULL && g_cancellable_is_cancelled (self->given);
  gint64 length = self->length;

  if (!cupel_time_limit_end (self) || cancelled || error == NULL || *error == NULL)
    return;

  if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (error);
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "%s took longer than the limit of %g s (%s), and was cancelled",
                   what, (double) length / G_USEC_PER_SEC, which);
    }
  else if (g_error_matches (*error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
    {
      cupel_error_append (*error, "; it took longer than the limit of %g s (%s)", (double) length / G_USEC_PER_SEC, which);
    }
}
