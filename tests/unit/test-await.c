/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel.h>

#include <glib/gstdio.h>
#include <string.h>

static guint n_slow_over;

/* Answers after some milliseconds, on the context it is called on. It does not end when it is cancelled, and not before. */
static gboolean
slow_over (gpointer task)
{
  if (!g_cancellable_is_cancelled (g_task_get_task_data (task)))
    return G_SOURCE_CONTINUE;
  g_task_return_int (task, 42);
  n_slow_over++;

  return G_SOURCE_REMOVE;
}

static void
slow_async (guint               milliseconds,
            GCancellable       *cancellable,
            GAsyncReadyCallback callback,
            gpointer            user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  GSource *source = g_timeout_source_new (milliseconds);

  g_task_set_task_data (task, g_object_ref (cancellable), g_object_unref);
  g_source_set_callback (source, slow_over, task, g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_source_unref (source);
}

static gboolean
load_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  g_autoptr(CupelAwait) await = cupel_await_new ();

  /* one await serves one call after the other */
  for (int i = 0; i < 3; i++)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autofree char *text = NULL;
      gsize length;

      g_file_load_contents_async (data, cancellable, cupel_await_ready, cupel_await_ref (await));
      if (!(result = cupel_await_wait (await, cancellable, error)))
        return FALSE;
      if (!g_file_load_contents_finish (data, result, &text, &length, NULL, error))
        return FALSE;
      g_assert_cmpstr (text, ==, "assayed");
      g_assert_cmpuint (length, ==, 7);
    }

  return TRUE;
}

typedef struct
{
  GError *error;
  gboolean success;
  gboolean done;
} Outcome;

static void
outcome_ready (GObject      *source,
               GAsyncResult *result,
               gpointer      data)
{
  Outcome *outcome = data;

  outcome->success = cupel_run_finish (result, &outcome->error);
  outcome->done = TRUE;
}

static void
test_load (void)
{
  g_autofree char *directory = g_dir_make_tmp ("cupel-await-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "file", NULL);
  g_autoptr(GFile) file = g_file_new_for_path (path);
  g_autoptr(GError) error = NULL;
  Outcome outcome = { NULL, };

  g_assert_true (g_file_set_contents (path, "assayed", -1, &error));
  g_assert_true (cupel_run (load_run, file, NULL, &error));
  g_assert_no_error (error);

  cupel_run_async (load_run, file, NULL, NULL, outcome_ready, &outcome);
  while (!outcome.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (outcome.error);
  g_assert_true (outcome.success);

  /* the error of the call comes through */
  g_assert_true (g_file_delete (file, NULL, &error));
  g_assert_false (cupel_run (load_run, file, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_rmdir (directory);
}

static gpointer
serve (gpointer listener)
{
  g_autoptr(GSocketConnection) connection = g_socket_listener_accept (listener, NULL, NULL, NULL);
  char buffer[16];
  gssize n;

  g_assert_nonnull (connection);
  n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer, NULL, NULL);
  g_assert_cmpint (n, >, 0);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), buffer, n, NULL, NULL, NULL));

  return NULL;
}

static gboolean
echo_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  g_autoptr(GSocketClient) client = g_socket_client_new ();
  g_autoptr(GSocketConnection) connection = NULL;
  g_autoptr(CupelAwait) await = cupel_await_new ();
  g_autoptr(GAsyncResult) result = NULL;
  GInputStream *input;
  GOutputStream *output;
  char buffer[16] = "";

  g_socket_client_connect_to_host_async (client, "127.0.0.1", GPOINTER_TO_UINT (data), cancellable,
                                         cupel_await_ready, cupel_await_ref (await));
  if (!(result = cupel_await_wait (await, cancellable, error)) ||
      !(connection = g_socket_client_connect_to_host_finish (client, result, error)))
    return FALSE;

  output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_clear_object (&result);
  g_output_stream_write_all_async (output, "cupel", 5, 0, cancellable, cupel_await_ready, cupel_await_ref (await));
  if (!(result = cupel_await_wait (await, cancellable, error)) ||
      !g_output_stream_write_all_finish (output, result, NULL, error))
    return FALSE;

  input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_clear_object (&result);
  g_input_stream_read_async (input, buffer, sizeof buffer, 0, cancellable, cupel_await_ready, cupel_await_ref (await));
  if (!(result = cupel_await_wait (await, cancellable, error)))
    return FALSE;
  g_assert_cmpint (g_input_stream_read_finish (input, result, error), ==, 5);
  g_assert_cmpstr (buffer, ==, "cupel");

  return TRUE;
}

static void
test_socket (void)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr(GSocketAddress) effective = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread;
  guint port;

  g_assert_true (g_socket_listener_add_address (listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                                &effective, &error));
  port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective));
  thread = g_thread_new ("serve", serve, listener);
  g_assert_true (cupel_run (echo_run, GUINT_TO_POINTER (port), NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
}

static gpointer
cancel_later (gpointer cancellable)
{
  g_usleep (10000);
  g_cancellable_cancel (cancellable);

  return NULL;
}

static void
cancel_now (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static gboolean
cancel_run (gpointer        data,
            GCancellable   *cancellable,
            GError        **error)
{
  for (int i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) own = g_cancellable_new ();
      g_autoptr(CupelAwait) await = cupel_await_new ();
      g_autoptr(GAsyncResult) result = NULL;
      GThread *thread = NULL;
      gint64 begin = g_get_monotonic_time ();

      slow_async (300, own, cupel_await_ready, cupel_await_ref (await));
      if (i == 0)
        cupel_fiber_spawn (NULL, cancel_now, own, NULL);
      else if (i == 1)
        thread = g_thread_new ("cancel", cancel_later, own);
      else
        g_cancellable_cancel (own);

      g_assert_null (cupel_await_wait (await, own, error));
      g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (error);
      if (thread != NULL)
        g_thread_join (thread);

      /* The call goes on, and it can still be waited for; or not, and then its result is dropped. */
      if (i == 1)
        {
          result = cupel_await_wait (await, NULL, error);
          g_assert_no_error (*error);
          g_assert_cmpint (g_task_propagate_int (G_TASK (result), error), ==, 42);
          g_assert_cmpint (g_get_monotonic_time () - begin, >=, 290000);
        }
    }

  while (n_slow_over < 3)
    g_assert_true (cupel_fiber_sleep (10000, NULL, error));

  return cupel_fiber_sleep (1000, NULL, error);
}

static void
test_cancel (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (cancel_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
test_missing_fiber (void)
{
  g_autoptr(CupelAwait) await = cupel_await_new ();
  g_autoptr(GError) error = NULL;

  g_assert_null (cupel_await_wait (await, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
  g_assert_nonnull (strstr (error->message, "cupel_await_wait()"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/await/load", test_load);
  g_test_add_func ("/runtime/await/socket", test_socket);
  g_test_add_func ("/runtime/await/cancel", test_cancel);
  g_test_add_func ("/runtime/await/missing-fiber", test_missing_fiber);

  return g_test_run ();
}
