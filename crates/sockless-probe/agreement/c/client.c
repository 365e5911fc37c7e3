/* A client in C, on POSIX sockets alone, that sockless-probe tests: put your library into `visit`.
 *
 *     cc -o client client.c && ./client 127.0.0.1 9001 NAME
 *
 * It is for this machine: the fields of the answer are not checked, and masking keys are zero. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *host;
static int port;

static int all(int fd, unsigned char *bytes, size_t count, int writes) {
    while (count > 0) {
        ssize_t done = writes ? send(fd, bytes, count, MSG_NOSIGNAL) : recv(fd, bytes, count, 0);
        if (done <= 0) return 0;
        bytes += done;
        count -= done;
    }
    return 1;
}

/* Sends a frame with this first octet. */
static int frame(int fd, unsigned char first, unsigned char *payload, size_t length) {
    unsigned char head[14] = {first};
    size_t count = length < 126 ? 0 : length < 65536 ? 2 : 8;
    head[1] = 0x80 | (count == 0 ? length : count == 2 ? 126 : 127);
    for (size_t i = 0; i < count; i++) head[2 + i] = length >> (8 * (count - 1 - i));
    return all(fd, head, 2 + count + 4, 1) && all(fd, payload, length, 1);
}

/* One connection, to its end: sends every message back, or keeps the text that comes. */
static void visit(const char *path, int echoes, char *told, size_t room) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    char request[1024];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, host, port);
    unsigned char octet, head[8], *payload;
    int open = all(fd, (unsigned char *)request, strlen(request), 1);
    for (unsigned last = 0; open && last != 0x0D0A0D0A; last = last << 8 | octet) open = all(fd, &octet, 1, 0);
    while (open && all(fd, head, 2, 0)) {
        unsigned char first = head[0], opcode = first & 15;
        size_t length = head[1] & 127, count = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (count > 0) {
            if (!all(fd, head, count, 0)) break;
            length = 0;
            for (size_t i = 0; i < count; i++) length = length << 8 | head[i];
        }
        if (length > 64 << 20) break;
        payload = malloc(length + 1);
        open = all(fd, payload, length, 0);
        if (open && opcode == 8) {
            frame(fd, first, payload, length);
            open = 0;
        } else if (open && opcode == 9) {
            open = frame(fd, 0x8A, payload, length);
        } else if (open && opcode < 3 && echoes) {
            open = frame(fd, first, payload, length);
        } else if (open && opcode == 1 && length < room) {
            memcpy(told, payload, length);
            told[length] = 0;
        }
        free(payload);
    }
    close(fd);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    host = argv[1];
    port = atoi(argv[2]);
    char path[256], count[32] = "0";
    visit("/getCaseCount", 0, count, sizeof count);
    for (int number = 1; number <= atoi(count); number++) {
        snprintf(path, sizeof path, "/runCase?case=%d&agent=%s", number, argv[3]);
        visit(path, 1, NULL, 0);
    }
    snprintf(path, sizeof path, "/updateReports?agent=%s", argv[3]);
    visit(path, 0, count, 0);
    return 0;
}
