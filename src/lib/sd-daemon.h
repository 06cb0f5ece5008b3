/* sd-daemon.h - the names of sd-daemon(3) for the functions of libcoppice, so that a program can leave
 * libsystemd without another change: include <coppice/sd-daemon.h> for <systemd/sd-daemon.h>, and link
 * with coppice for libsystemd. It works below systemd as well: the protocol is the same. See
 * coppice_notify(3), coppice_listen_fds(3). */
#ifndef COPPICE_SD_DAEMON_H
#define COPPICE_SD_DAEMON_H

#include <coppice.h>

/* Levels for lines on standard error. */
#define SD_EMERG   "<0>"
#define SD_ALERT   "<1>"
#define SD_CRIT    "<2>"
#define SD_ERR     "<3>"
#define SD_WARNING "<4>"
#define SD_NOTICE  "<5>"
#define SD_INFO    "<6>"
#define SD_DEBUG   "<7>"

#define SD_LISTEN_FDS_START COPPICE_LISTEN_FDS_START

#define sd_notify               coppice_notify
#define sd_notifyf              coppice_notifyf
#define sd_pid_notify           coppice_pid_notify
#define sd_pid_notifyf          coppice_pid_notifyf
#define sd_pid_notify_with_fds  coppice_pid_notify_with_fds
#define sd_notify_barrier       coppice_notify_barrier
#define sd_pid_notify_barrier   coppice_pid_notify_barrier
#define sd_watchdog_enabled     coppice_watchdog_enabled
#define sd_booted               coppice_booted_with_systemd
#define sd_listen_fds           coppice_listen_fds
#define sd_listen_fds_with_names coppice_listen_fds_with_names
#define sd_is_fifo              coppice_is_fifo
#define sd_is_special           coppice_is_special
#define sd_is_socket            coppice_is_socket
#define sd_is_socket_inet       coppice_is_socket_inet
#define sd_is_socket_sockaddr   coppice_is_socket_sockaddr
#define sd_is_socket_unix       coppice_is_socket_unix
#define sd_is_mq                coppice_is_mq

#endif
