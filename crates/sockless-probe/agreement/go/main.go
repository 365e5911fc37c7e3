// The testee on Go's gorilla/websocket: an echo server, or the client that Autobahn's addresses are for.
//
//	go run . server PORT
//	go run . client ws://HOST:PORT NAME
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/gorilla/websocket"
)

func echo(connection *websocket.Conn) {
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil {
			return
		}
		if err := connection.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

func visit(url string, echoes bool) string {
	dialer := websocket.Dialer{EnableCompression: true}
	connection, _, err := dialer.Dial(url, nil)
	if err != nil {
		return ""
	}
	if echoes {
		echo(connection)
		return ""
	}
	defer connection.Close()
	told := ""
	for {
		_, message, err := connection.ReadMessage()
		if err != nil {
			return told
		}
		told += string(message)
	}
}

func main() {
	if os.Args[1] == "server" {
		upgrader := websocket.Upgrader{EnableCompression: true}
		http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
			if connection, err := upgrader.Upgrade(writer, request, nil); err == nil {
				echo(connection)
			}
		})
		panic(http.ListenAndServe("127.0.0.1:"+os.Args[2], nil))
	}
	url, name := os.Args[2], os.Args[3]
	count, _ := strconv.Atoi(visit(url+"/getCaseCount", false))
	for number := 1; number <= count; number++ {
		visit(fmt.Sprintf("%s/runCase?case=%d&agent=%s", url, number, name), true)
	}
	visit(fmt.Sprintf("%s/updateReports?agent=%s", url, name), false)
}
