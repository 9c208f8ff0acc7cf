// What the machine can do: the least that the work of one row of `peers.py` takes.
//   limits spawn N PROG [ARG ...]   N times: start PROG with its standard output in a pipe, read that to its end, wait
//   limits fan N PROG [ARG ...]     N PROGs at once, then wait for all
//   limits http N PORT              N GETs over one connection, each must be 200
//   limits redis N PORT             N PINGs over one connection
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void must(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static int dial(const char *port) {
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  must(connect(s, (void *)&at, sizeof at) == 0, "connect");
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return s;
}

static void spawn(char **command) {
  posix_spawn_file_actions_t actions;
  char buffer[65536];
  int p[2], status;
  pid_t pid;
  must(pipe2(p, O_CLOEXEC) == 0, "pipe");
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, p[1], 1);
  must(posix_spawnp(&pid, *command, &actions, 0, command, environ) == 0, "posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  close(p[1]);
  while (read(p[0], buffer, sizeof buffer) > 0) {
  }
  close(p[0]);
  must(waitpid(pid, &status, 0) == pid && status == 0, "the command");
}

static void get(int s) {
  static const char query[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  char b[8192], *end;
  int got = 0, r;
  must(write(s, query, sizeof query - 1) == sizeof query - 1, "write");
  for (;;) {
    must((r = read(s, b + got, sizeof b - 1 - got)) > 0, "read");
    b[got += r] = 0;
    if (!(end = strstr(b, "\r\n\r\n"))) continue;
    if (got >= end + 4 - b + atoi(strcasestr(b, "content-length:") + 15)) break;
  }
  must(strncmp(b, "HTTP/1.1 200", 12) == 0, "the status");
}

static void ping(int s) {
  char b[64];
  must(write(s, "PING\r\n", 6) == 6 && read(s, b, sizeof b) == 7, "ping");
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int n = atoi(argv[2]);
  if (!strcmp(argv[1], "spawn")) {
    while (n--) spawn(argv + 3);
  } else if (!strcmp(argv[1], "fan")) {
    pid_t pid;
    while (n--) must(posix_spawnp(&pid, argv[3], 0, 0, argv + 3, environ) == 0, "posix_spawn");
    while (wait(0) > 0) {
    }
  } else {
    int s = dial(argv[3]);
    while (n--) argv[1][0] == 'h' ? get(s) : ping(s);
  }
}
