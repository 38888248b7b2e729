/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-host-list-private.h"

#include <string.h>

#include "engine/cupel-network-options.h"
#include "engine/cupel-time-limit-private.h"
#include "runtime/cupel-error-details.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-profile-private.h"

/* How long a host that could not be reached is left alone: doubled each time, up to the longest. */
#define FIRST_QUARANTINE (G_USEC_PER_SEC / 2)
#define MAX_QUARANTINE   (30 * G_USEC_PER_SEC)

typedef enum
{
  TARGET_ANY,
  TARGET_PRIMARY,
  TARGET_STANDBY,
  TARGET_PREFER_PRIMARY,
  TARGET_PREFER_STANDBY,
} Target;

typedef struct
{
  const char      *name;           /* the URL's */
  int              port;
  char            *where;          /* for messages */
  guint            n_failures;     /* since the last success */
  gint64           quarantined;    /* until then */
} Host;

struct _CupelHostList
{
  CupelUrl    *url;
  CupelDriver *driver;
  Host        *hosts;
  guint        n_hosts;    /* 0: not on a network, the driver goes by the URL */
  Target       target;
  gboolean     shuffle;
};

static const struct
{
  const char *name;
  Target      target;
} targets[] = {
  { "any", TARGET_ANY },
  { "primary", TARGET_PRIMARY }, { "read-write", TARGET_PRIMARY },
  { "standby", TARGET_STANDBY }, { "read-only", TARGET_STANDBY },
  { "prefer-primary", TARGET_PREFER_PRIMARY },
  { "prefer-standby", TARGET_PREFER_STANDBY },
};

static gboolean
parse_target (CupelHostList  *self,
              GError        **error)
{
  const char *text = cupel_url_get_option (self->url, "target");
  const char *alias = cupel_url_get_option (self->url, "target_session_attrs");

  if (text != NULL && alias != NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "The URL options \"target\" and \"target_session_attrs\" mean the same; give one of them");
      return FALSE;
    }
  if (text == NULL && (text = alias) == NULL)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (targets); i++)
    if (strcmp (targets[i].name, text) == 0)
      {
        self->target = targets[i].target;
        return TRUE;
      }
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                       "The URL option \"target\" is one of: any, primary, standby, prefer-primary, prefer-standby");
  return FALSE;
}

static gboolean
parse_shuffle (CupelHostList  *self,
               GError        **error)
{
  const char *text = cupel_url_get_option (self->url, "load_balance_hosts");

  if (text != NULL && strcmp (text, "random") != 0 && strcmp (text, "disable") != 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "The URL option \"load_balance_hosts\" is random or disable");
      return FALSE;
    }
  self->shuffle = text != NULL && *text == 'r';
  return TRUE;
}

CupelHostList *
cupel_host_list_new (CupelUrl     *url,
                     CupelDriver  *driver,
                     GError      **error)
{
  g_autoptr(CupelHostList) self = g_new0 (CupelHostList, 1);
  int default_port = CUPEL_DRIVER_GET_CLASS (driver)->default_port;
  guint n = cupel_url_get_n_hosts (url);

  self->url = cupel_url_ref (url);
  self->driver = g_object_ref (driver);
  if (default_port == 0)
    {
      if (n <= 1)
        return g_steal_pointer (&self);
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "The driver \"%s\" takes one host, and the URL has a list", cupel_driver_get_name (driver));
      return NULL;
    }

  if (!parse_target (self, error) || !parse_shuffle (self, error))
    return NULL;
  if (n == 0 || g_path_is_absolute (cupel_url_get_host (url)))
    return g_steal_pointer (&self);

  self->hosts = g_new0 (Host, n);
  self->n_hosts = n;
  for (guint i = 0; i < n; i++)
    {
      Host *host = &self->hosts[i];

      host->name = cupel_url_get_nth_host (url, i, &host->port);
      if (host->port < 0)
        host->port = default_port;
      host->where = g_strdup_printf (strchr (host->name, ':') != NULL ? "[%s]:%d" : "%s:%d", host->name, host->port);
    }
  return g_steal_pointer (&self);
}

void
cupel_host_list_free (CupelHostList *self)
{
  for (guint i = 0; i < self->n_hosts; i++)
    g_free (self->hosts[i].where);
  g_free (self->hosts);
  g_object_unref (self->driver);
  cupel_url_unref (self->url);
  g_free (self);
}

static gboolean
is_cancelled (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The role of the server. FALSE: it could not be asked. */
static gboolean
probe (CupelHostList          *self,
       CupelDriverConnection  *connection,
       gint64                  deadline,
       GCancellable           *cancellable,
       CupelServerRole        *role,
       GError                **error)
{
  g_autoptr(GError) local = NULL;
  CupelTimeLimit limit;
  gboolean known;

  *role = CUPEL_SERVER_ROLE_UNKNOWN;
  if (self->target == TARGET_ANY)
    return TRUE;

  cancellable = cupel_time_limit_start (&limit, MAX (deadline - g_get_monotonic_time (), 1), cancellable);
  known = cupel_driver_connection_get_role (connection, role, cancellable, &local);
  cupel_time_limit_finish (&limit, "Asking for the role of the server", "connect-timeout", &local);
  if (!known)
    g_propagate_error (error, g_steal_pointer (&local));
  return known;
}

static gboolean
suits (Target          target,
       CupelServerRole role)
{
  switch (target)
    {
    case TARGET_PRIMARY:
    case TARGET_PREFER_PRIMARY:
      return role == CUPEL_SERVER_ROLE_PRIMARY;
    case TARGET_STANDBY:
    case TARGET_PREFER_STANDBY:
      return role == CUPEL_SERVER_ROLE_STANDBY;
    default:
      return TRUE;
    }
}

static void
end_connection (CupelDriverConnection *connection)
{
  cupel_driver_connection_terminate (connection);
  g_object_unref (connection);
}

static void
note_result (Host     *host,
             gboolean  reached)
{
  if (reached)
    {
      host->n_failures = 0;
      host->quarantined = 0;
      return;
    }
  host->quarantined = g_get_monotonic_time () + MIN (FIRST_QUARANTINE << MIN (host->n_failures, 10), MAX_QUARANTINE);
  host->n_failures++;
  cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "%s could not be reached %u times in a row", host->where, host->n_failures);
}

/* One round over the hosts. */
typedef struct
{
  CupelHostList         *list;
  gboolean              *quarantined;   /* by host, before this round: who fails in it has had its turn */
  gint64                 deadline;
  GCancellable          *cancellable;
  CupelDriverConnection *second_best;   /* of a role that was not preferred */
  GString               *reasons;
  GError                *error;         /* the last one of a host that could not be reached */
  gboolean               over;          /* no other host will do better */
  gboolean               wrong_role;    /* a host was reached that is not of the role that is asked for */
} Round;

static CupelDriverConnection *
try_host (Round *round,
          Host  *host,
          gint64 deadline)
{
  CupelHostList *self = round->list;
  const CupelEndpoint endpoint = { .host = host->name, .port = host->port };
  CupelServerRole role;
  CupelDriverConnection *connection;

  g_clear_error (&round->error);
  connection = cupel_driver_connect (self->driver, self->url, &endpoint, deadline, round->cancellable, &round->error);
  if (connection != NULL && !probe (self, connection, deadline, round->cancellable, &role, &round->error))
    {
      end_connection (connection);
      connection = NULL;
    }
  if (is_cancelled (round->error))
    {
      round->over = TRUE;
      return NULL;
    }
  if (connection == NULL)
    {
      /* The others have the same users. */
      round->over = g_error_matches (round->error, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION);
      if (!round->over)
        note_result (host, FALSE);
      g_string_append_printf (round->reasons, "%s%s: %s", round->reasons->len > 0 ? "; " : "", host->where, round->error->message);
      return NULL;
    }

  note_result (host, TRUE);
  if (suits (self->target, role))
    return connection;

  round->wrong_role = TRUE;
  g_string_append_printf (round->reasons, "%s%s is %s", round->reasons->len > 0 ? "; " : "", host->where,
                          role == CUPEL_SERVER_ROLE_PRIMARY ? "a primary"
                          : role == CUPEL_SERVER_ROLE_STANDBY ? "a standby" : "of an unknown role");
  if (round->second_best == NULL && self->target >= TARGET_PREFER_PRIMARY)
    round->second_best = connection;
  else
    end_connection (connection);
  return NULL;
}

static CupelDriverConnection *
try_all (Round       *round,
         const guint *order,
         gboolean     quarantined)
{
  CupelHostList *self = round->list;
  guint left = 0;

  for (guint i = 0; i < self->n_hosts; i++)
    left += round->quarantined[i] == quarantined;

  for (guint i = 0; i < self->n_hosts && left > 0 && !round->over; i++)
    {
      Host *host = &self->hosts[order[i]];
      gint64 time = g_get_monotonic_time ();
      CupelDriverConnection *connection;

      if (round->quarantined[order[i]] != quarantined)
        continue;
      connection = try_host (round, host, time + (round->deadline - time) / left--);
      if (connection != NULL)
        return connection;
    }
  return NULL;
}

static void
shuffle (guint *order,
         guint  n)
{
  for (guint i = n; i > 1; i--)
    {
      guint other = (guint) g_random_int_range (0, (gint32) i);
      guint held = order[i - 1];

      order[i - 1] = order[other];
      order[other] = held;
    }
}

static void
set_list_error (Round   *round,
                GError **error)
{
  static const char *const wanted[] = { "that can be reached", "that is a primary", "that is a standby", "that can be reached",
                                        "that can be reached" };
  CupelErrorDetails details = { .disconnect = TRUE, .retryable = TRUE };
  CupelHostList *self = round->list;
  gboolean late = g_get_monotonic_time () >= round->deadline;

  /* Among several, one may be about to take the part over. Where nobody answers there is nothing to wait for. */
  if (round->wrong_role && self->n_hosts > 1)
    details.category = CUPEL_ERROR_CATEGORY_NOT_READY;
  if (round->error != NULL && (self->n_hosts == 1 || round->over))
    g_propagate_error (error, g_steal_pointer (&round->error));
  else
    cupel_set_error_with_details (error, late ? CUPEL_ERROR_TIMEOUT : CUPEL_ERROR_CONNECTION, &details,
                                  self->n_hosts == 1 ? "The host of the URL is none %s: %s"
                                                     : "The URL has no host %s: %s", wanted[self->target], round->reasons->str);
}

static CupelDriverConnection *
connect_any (CupelHostList  *self,
             gint64          deadline,
             GCancellable   *cancellable,
             GError        **error)
{
  g_autofree guint *order = g_new (guint, self->n_hosts);
  g_autofree gboolean *quarantined = g_new (gboolean, self->n_hosts);
  g_autoptr(GString) reasons = g_string_new (NULL);
  Round round = {
    .list = self, .quarantined = quarantined, .deadline = deadline, .cancellable = cancellable, .reasons = reasons
  };
  CupelDriverConnection *connection;

  for (guint i = 0; i < self->n_hosts; i++)
    {
      order[i] = i;
      quarantined[i] = self->hosts[i].quarantined > g_get_monotonic_time ();
    }
  if (self->shuffle)
    shuffle (order, self->n_hosts);

  /* Those in quarantine come into question when no other host does. */
  connection = try_all (&round, order, FALSE);
  if (connection == NULL && round.second_best == NULL && !round.over)
    connection = try_all (&round, order, TRUE);

  if (connection == NULL && !is_cancelled (round.error))
    connection = g_steal_pointer (&round.second_best);
  if (round.second_best != NULL)
    end_connection (round.second_best);
  if (connection == NULL)
    set_list_error (&round, error);
  g_clear_error (&round.error);
  return connection;
}

CupelDriverConnection *
cupel_host_list_connect (CupelHostList  *self,
                         gint64          timeout,
                         gint64          deadline,
                         GCancellable   *cancellable,
                         GError        **error)
{
  gint64 limit = g_get_monotonic_time () + timeout;
  CupelDriverConnection *connection;
  CupelServerRole role;
  CUPEL_PROFILE_BEGIN (mark);

  if (deadline == CUPEL_NO_DEADLINE || deadline > limit)
    deadline = limit;

  if (self->n_hosts > 0)
    {
      connection = connect_any (self, deadline, cancellable, error);
      CUPEL_PROFILE_END (mark, "connect", NULL);
      return connection;
    }

  connection = cupel_driver_connect (self->driver, self->url, NULL, deadline, cancellable, error);
  CUPEL_PROFILE_END (mark, "connect", NULL);
  if (connection == NULL)
    return NULL;
  if (probe (self, connection, deadline, cancellable, &role, error))
    {
      if (self->target >= TARGET_PREFER_PRIMARY || suits (self->target, role))
        return connection;
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "The server is no %s",
                   self->target == TARGET_PRIMARY ? "primary" : "standby");
    }
  end_connection (connection);
  return NULL;
}
