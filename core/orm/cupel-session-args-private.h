/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-session-private.h"

G_BEGIN_DECLS

/* What an operation was called with; an asynchronous call owns a copy. */
typedef struct
{
  CupelStatement      *statement;
  CupelParameters     *parameters;
  CupelValue          *key;
  CupelEntity         *entity;
  char               **names;
  GType                type;
  guint                block_rows;
  CupelIsolationLevel  isolation;
  CupelBeginFlags      flags;
  CupelRetry          *retry;
  CupelSessionFunc     func;
  gpointer             func_data;
  GDestroyNotify       destroy;
} CupelSessionArgs;

CupelSessionArgs *cupel_session_args_copy (const CupelSessionArgs *from);
void              cupel_session_args_free (gpointer                data);

G_END_DECLS
