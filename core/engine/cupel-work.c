/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-work-private.h"

CupelWork *
cupel_work_copy (const CupelWork *from)
{
  CupelWork *work = g_memdup2 (from, sizeof *from);

  if (work->retry != NULL)
    g_object_ref (work->retry);
  return work;
}

void
cupel_work_free (gpointer data)
{
  CupelWork *work = data;

  g_clear_object (&work->retry);
  if (work->destroy != NULL)
    work->destroy (work->data);
  g_free (work);
}
