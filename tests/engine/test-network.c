/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking up hosts, lists of them, roles, and time: against servers that are in here. */

#include <cupel.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "../unit/scale.h"
#include "rogue-server.h"

#define CANARY "S3cr3tCANARY"

static const char *const schemes[] = { "postgresql", "mysql" };

/* An engine connects in a fiber, a timer watches the loop. */
typedef struct
{
  const char *url;
  guint       cancel_after;    /* ms; 0: never */
  double      patience;        /* of the pool, in seconds; 0: its own */
  GError     *error;
  gint64      took;
  gint64      last;
  gint64      longest;         /* that the loop was kept */
} Attempt;

static gboolean
tick (gpointer data)
{
  Attempt *attempt = data;
  gint64 now = g_get_monotonic_time ();

  attempt->longest = MAX (attempt->longest, now - attempt->last);
  attempt->last = now;
  return G_SOURCE_CONTINUE;
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static GSource *
add_timer (guint       interval,
           GSourceFunc func,
           gpointer    data)
{
  GSource *source = g_timeout_source_new (interval);
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, context);
  return source;
}

/* Which server is behind @connection counts it, and closes. */
static void
try_statement (CupelConnection  *connection,
               GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT 1");
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);

  g_assert_null (result);
}

static gboolean
run_attempt (gpointer       data,
             GCancellable  *given,
             GError       **error)
{
  Attempt *attempt = data;
  g_autoptr(CupelEngine) engine = cupel_engine_new (attempt->url, error);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(CupelConnection) connection = NULL;
  GSource *ticks, *stop = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_nonnull (engine);
  if (attempt->patience > 0.0)
    g_object_set (engine, "pool-timeout", attempt->patience, NULL);
  attempt->last = start;
  ticks = add_timer (5, tick, attempt);
  if (attempt->cancel_after > 0)
    stop = add_timer (attempt->cancel_after, cancel, cancellable);
  connection = cupel_engine_connect (engine, cancellable, &attempt->error);
  attempt->took = g_get_monotonic_time () - start;
  if (connection != NULL)
    try_statement (connection, &attempt->error);
  g_source_destroy (ticks);
  g_source_unref (ticks);
  if (stop != NULL)
    {
      g_source_destroy (stop);
      g_source_unref (stop);
    }
  return TRUE;
}

static GError *
attempt_full (Attempt *attempt)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_attempt, attempt, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (attempt->error);
  g_test_message ("%s, after %.0f ms, the loop kept for %.0f ms", attempt->error->message,
                  (double) attempt->took / 1000, (double) attempt->longest / 1000);
  g_assert_null (strstr (attempt->error->message, CANARY));
  return attempt->error;
}

static GError *
attempt_url (const char *url)
{
  Attempt attempt = { .url = url };

  return attempt_full (&attempt);
}

/* A resolver that takes its time keeps nothing but who waits for it. */
static void
test_slow_names (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      g_autofree char *url = g_strdup_printf ("%s://me:" CANARY "@slow.test/x?connect_timeout=1", schemes[i]);
      Attempt attempt = { .url = url };
      g_autoptr(GError) error = attempt_full (&attempt);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
      g_assert_nonnull (strstr (error->message, "slow.test"));
      g_assert_cmpint (attempt.took, <, scale_bound (1000));
      g_assert_cmpint (attempt.longest, <, scale_bound (0));
    }
}

static void
test_unknown_names (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      g_autofree char *url = g_strdup_printf ("%s://me:" CANARY "@none.test/x", schemes[i]);
      g_autoptr(GError) error = attempt_url (url);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
      g_assert_nonnull (strstr (error->message, "none.test"));
    }
}

/* Says nothing at 127.0.0.11 and up, refuses the user at 127.0.0.1; by the protocol of the port's user. */
static void
serve_last (int      fd,
            gpointer is_mysql)
{
  static const char postgresql[] = "E\0\0\0\x21" "SFATAL\0" "C28P01\0" "Mnobody of us\0";
  static const char mysql[] = "\xff\x15\x04#28000nobody of us";
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  char bytes[8];

  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  if (ntohl (address.sin_addr.s_addr) != INADDR_LOOPBACK)
    rogue_stall (fd);
  else if (is_mysql != NULL)
    {
      rogue_write_packet (fd, 0, mysql, sizeof mysql - 1);
      rogue_stall (fd);
    }
  else if (rogue_read (fd, bytes, sizeof bytes))
    {
      rogue_write (fd, postgresql, sizeof postgresql);
      rogue_stall (fd);
    }
}

/* 15 of 16 addresses do not answer: each gets its share, and the last one its turn. */
static void
test_many_addresses (void)
{
  /* The last one has the sixteenth part of it. */
  const guint seconds = scale (4, 10);

  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      g_autoptr(RogueServer) server = rogue_server_new (serve_last, GSIZE_TO_POINTER (i));
      g_autofree char *url = g_strdup_printf ("%s://me:" CANARY "@many.test:%u/x?connect_timeout=%u&tls=disable", schemes[i],
                                              rogue_server_get_port (server), seconds);
      Attempt attempt = { .url = url };
      g_autoptr(GError) error = attempt_full (&attempt);

      g_assert_nonnull (strstr (error->message, "nobody of us"));
      g_assert_cmpuint (rogue_server_get_n_links (server), ==, 16);
      g_assert_cmpint (attempt.took, <, scale_bound (seconds * 1000));
      g_assert_cmpint (attempt.longest, <, scale_bound (0));
    }
}

static void
serve_nothing (int      fd,
               gpointer data)
{
  rogue_stall (fd);
}

/* At any point: while the name is looked up, and while a server says nothing. */
static void
test_cancel (void)
{
  g_autoptr(RogueServer) server = rogue_server_new (serve_nothing, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (schemes) * 2; i++)
    {
      g_autofree char *url = g_strdup_printf ("%s://me:" CANARY "@%s:%u/x?tls=disable", schemes[i / 2],
                                              i % 2 == 0 ? "slow.test" : "db.test", rogue_server_get_port (server));
      Attempt attempt = { .url = url, .cancel_after = 100 };
      g_autoptr(GError) error = attempt_full (&attempt);

      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (attempt.took, <, scale_bound (100));
    }
}

/* One that says nothing takes no longer than it may, and the message tells where and at what. */
static void
test_silence (void)
{
  g_autoptr(RogueServer) server = rogue_server_new (serve_nothing, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      g_autofree char *url = g_strdup_printf ("%s://me:" CANARY "@db.test:%u/x?connect_timeout=1&tls=disable", schemes[i],
                                              rogue_server_get_port (server));
      Attempt attempt = { .url = url };
      g_autoptr(GError) error = attempt_full (&attempt);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
      g_assert_nonnull (strstr (error->message, "db.test:"));
      g_assert_nonnull (strstr (error->message, "logging in"));
      g_assert_cmpint (attempt.took, <, scale_bound (1000));
    }
}

/* A server of PostgreSQL that lets in everybody, tells its role, and closes at the first statement, which it counts. */
typedef struct
{
  gboolean is_standby;
  int      n_statements;   /* atomic */
} Node;

static void
append_message (GString    *text,
                char        type,
                const char *body,
                gsize       length)
{
  const guint32 size = htonl ((guint32) length + 4);

  g_string_append_c (text, type);
  g_string_append_len (text, (const char *) &size, 4);
  g_string_append_len (text, body, (gssize) length);
}

static void
serve_node (int      fd,
            gpointer data)
{
  static const char *const settings[][2] = {
    { "client_encoding", "UTF8" }, { "TimeZone", "UTC" }, { "DateStyle", "ISO" }, { "integer_datetimes", "on" },
    { "server_version", "15.0" }, { "default_transaction_read_only", "off" }, { "standard_conforming_strings", "on" },
  };
  Node *node = data;
  g_autoptr(GString) answer = g_string_new (NULL);
  guint8 header[4];
  g_autofree guint8 *start = NULL;
  gsize length;

  if (!rogue_read (fd, header, 4))
    return;
  length = ((gsize) header[2] << 8 | header[3]) - 4;
  start = g_malloc (length);
  if (!rogue_read (fd, start, length))
    return;

  append_message (answer, 'R', "\0\0\0\0", 4);
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr(GString) body = g_string_new (settings[i][0]);

      g_string_append_c (body, '\0');
      g_string_append_len (body, settings[i][1], (gssize) strlen (settings[i][1]) + 1);
      append_message (answer, 'S', body->str, body->len);
    }
  if (node->is_standby)
    append_message (answer, 'S', "in_hot_standby\0on", 18);
  else
    append_message (answer, 'S', "in_hot_standby\0off", 19);
  append_message (answer, 'K', "\0\0\0\1\0\0\0\2", 8);
  append_message (answer, 'Z', "I", 1);
  rogue_write (fd, answer->str, answer->len);

  /* The next one, but for good-bye. */
  if (rogue_read (fd, header, 1) && header[0] != 'X')
    g_atomic_int_inc (&node->n_statements);
}

static void
test_targets (void)
{
  static const struct
  {
    const char *target;
    gboolean    first_is_standby, second_is_standby;
    int         chosen;     /* 0: none */
  } cases[] = {
    { "any", TRUE, FALSE, 1 },
    { "primary", TRUE, FALSE, 2 },
    { "primary", FALSE, TRUE, 1 },
    { "primary", TRUE, TRUE, 0 },
    { "standby", TRUE, FALSE, 1 },
    { "standby", FALSE, TRUE, 2 },
    { "standby", FALSE, FALSE, 0 },
    { "prefer-standby", FALSE, TRUE, 2 },
    { "prefer-standby", FALSE, FALSE, 1 },
    { "prefer-primary", TRUE, FALSE, 2 },
    { "prefer-primary", TRUE, TRUE, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Node nodes[2] = { { cases[i].first_is_standby }, { cases[i].second_is_standby } };
      g_autoptr(RogueServer) first = rogue_server_new (serve_node, &nodes[0]);
      g_autoptr(RogueServer) second = rogue_server_new (serve_node, &nodes[1]);
      g_autofree char *url = g_strdup_printf ("postgresql://me:" CANARY "@db.test:%u,other.test:%u/x?tls=disable&target=%s",
                                              rogue_server_get_port (first), rogue_server_get_port (second), cases[i].target);
      Attempt attempt = { .url = url, .patience = 0.5 };
      g_autoptr(GError) error = attempt_full (&attempt);

      g_assert_cmpint (g_atomic_int_get (&nodes[0].n_statements), ==, (cases[i].chosen == 1));
      g_assert_cmpint (g_atomic_int_get (&nodes[1].n_statements), ==, (cases[i].chosen == 2));
      if (cases[i].chosen == 0)
        {
          /* The pool goes on asking: a failover may be under way. */
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT);
          g_assert_nonnull (strstr (error->message, "db.test:"));
          g_assert_nonnull (strstr (error->message, "other.test:"));
        }
    }
}

static gboolean
run_quarantine (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Node node = { FALSE };
  g_autoptr(RogueServer) dead = rogue_server_new (serve_nothing, NULL);
  g_autoptr(RogueServer) good = rogue_server_new (serve_node, &node);
  g_autofree char *url = g_strdup_printf ("postgresql://me@db.test:%u,other.test:%u/x?tls=disable&connect_timeout=2&target=primary",
                                          rogue_server_get_port (dead), rogue_server_get_port (good));
  g_autoptr(CupelEngine) engine = cupel_engine_new (url, error);

  g_assert_nonnull (engine);
  for (int i = 1; i <= 3; i++)
    {
      g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, NULL);

      g_assert_nonnull (connection);
      try_statement (connection, NULL);
      g_assert_cmpint (g_atomic_int_get (&node.n_statements), ==, i);
      g_assert_cmpuint (rogue_server_get_n_links (dead), ==, 1);
    }
  return TRUE;
}

/* A host that could not be reached is left alone for a while, as long as there is another one. */
static void
test_quarantine (void)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_quarantine, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_options (void)
{
  static const char *const bad[] = {
    "postgresql://h/x?target=leader",
    "postgresql://h/x?target=any&target_session_attrs=any",
    "mysql://h/x?load_balance_hosts=yes",
    "mysql://h/x?tls=maybe",
    "mysql://h/x?tls=require&ssl_mode=REQUIRED",
    "postgresql://h/x?tls-ca=",
    "postgresql://h/x?auth=scram-sha-256,trust",
    "postgresql://h/x?use_environment=yes",
    "mysql://h/x?allow_public_key_retrieval=1",
    "mysql://h/x?connect_timeout=0",
    "postgresql://h/x?no_such_option=1",
    "sqlite://h1,h2/x",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelEngine) engine = cupel_engine_new (bad[i], &error);

      g_test_message ("%s: %s", bad[i], error != NULL ? error->message : "taken");
      g_assert_null (engine);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  rogue_resolver_install ();
  g_test_add_func ("/network/slow-names", test_slow_names);
  g_test_add_func ("/network/unknown-names", test_unknown_names);
  g_test_add_func ("/network/many-addresses", test_many_addresses);
  g_test_add_func ("/network/cancel", test_cancel);
  g_test_add_func ("/network/silence", test_silence);
  g_test_add_func ("/network/targets", test_targets);
  g_test_add_func ("/network/quarantine", test_quarantine);
  g_test_add_func ("/network/options", test_options);
  return g_test_run ();
}
