/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "fault-backend.h"

/* One cell of the matrix: a fault that strikes in a state. */

typedef enum
{
  FAULT_REFUSE,
  FAULT_RESET,
  FAULT_FIN,
  FAULT_BLACKHOLE,
  FAULT_ACK_ONLY,
  FAULT_DRIP,
  FAULT_TERMINATE,    /* the server ends the sessions */
  FAULT_KILL,         /* the server is killed, and started again at once */
  FAULT_STOP,         /* the server stands still */
  N_FAULTS,
} FaultKind;

typedef enum
{
  STATE_IDLE,         /* in the pool */
  STATE_CONNECTING,   /* before the first byte of the server */
  STATE_AUTH,         /* after its first message */
  STATE_QUERY,        /* it works on a statement */
  STATE_ROWS,         /* in the middle of a stream */
  STATE_TRANSACTION,  /* between two statements */
  STATE_COMMIT,       /* COMMIT is on its way */
  STATE_CANCEL,       /* the application has cancelled a statement */
  STATE_CLOSING,      /* the connection goes back and the engine is disposed of */
  N_STATES,
} FaultState;

typedef struct
{
  gboolean  applies;
  gint64    until_error;       /* microseconds from the fault to what the application heard; -1: it heard none */
  gint64    until_recovery;    /* from the end of the fault to a right answer */
  int       n_leaked;          /* leases, descriptors and sessions */
  char     *error;             /* what it heard */
  GString  *complaints;        /* empty: passed */
} FaultOutcome;

const char *fault_kind_get_name  (FaultKind      kind);
const char *fault_state_get_name (FaultState     state);
/* Needs a server that is the program's own. */
gboolean    fault_kind_is_heavy  (FaultKind      kind);
/* In a fiber */
void        fault_cell_run       (FaultBackend  *backend,
                                  FaultKind      kind,
                                  FaultState     state,
                                  FaultOutcome  *outcome);
void        fault_outcome_clear  (FaultOutcome  *outcome);
