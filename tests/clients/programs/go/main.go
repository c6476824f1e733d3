// One request as a Go client sends it: main CLIENT URL. Prints the version of Go.
package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
)

func main() {
	what, url := os.Args[1], os.Args[2]
	body := []byte(`{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}`)
	request, err := http.NewRequest("POST", url+"/v1/chat/completions", bytes.NewReader(body))
	check(err)
	request.Header.Set("Authorization", "Bearer sk-dummy")
	request.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{ForceAttemptHTTP2: true}
	switch what {
	case "http1":
		transport = &http.Transport{}
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	case "relay":
		// A relay that passes on what an SDK sent, as gateways written in Go do.
		for name, value := range map[string]string{
			"Accept":                      "application/json",
			"User-Agent":                  "OpenAI/Python 1.99.9",
			"X-Stainless-Lang":            "python",
			"X-Stainless-Package-Version": "1.99.9",
			"X-Stainless-Os":              "Linux",
			"X-Stainless-Arch":            "x64",
			"X-Stainless-Runtime":         "CPython",
			"X-Stainless-Runtime-Version": "3.12.1",
			"X-Stainless-Async":           "false",
		} {
			request.Header.Set(name, value)
		}
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	check(err)
	_, err = io.Copy(io.Discard, answer.Body)
	check(err)
	if answer.StatusCode != 200 {
		check(fmt.Errorf("status %d", answer.StatusCode))
	}
	fmt.Println("Go " + strings.TrimPrefix(runtime.Version(), "go"))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
