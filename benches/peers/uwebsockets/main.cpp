// A broadcast by uWebSockets: what a client sends goes to all.

#include <cstdio>
#include <string_view>

#include "App.h"

struct Client {};

int main(int count, char **arguments) {
    const bool compressed = count > 1 && std::string_view(arguments[1]) == "broadcast-compressed";
    uWS::App app;
    uWS::App::WebSocketBehavior<Client> behavior;
    behavior.compression = compressed ? uWS::SHARED_COMPRESSOR : uWS::DISABLED;
    behavior.idleTimeout = 0;
    behavior.open = [](auto *client) { client->subscribe("all"); };
    behavior.message = [&app, compressed](auto *, std::string_view message, uWS::OpCode code) {
        app.publish("all", message, code, compressed);
    };
    app.ws<Client>("/*", std::move(behavior));
    app.listen("127.0.0.1", 0, [](us_listen_socket_t *listener) {
        if (listener) {
            std::printf("listens on http://127.0.0.1:%d/\n", us_socket_local_port(0, (us_socket_t *) listener));
            std::fflush(stdout);
        }
    });
    app.run();
}
