package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// callTime is how long one answer may take.
const callTime = 20 * time.Second

// caller is one kept HTTP connection that costs little, so that what is measured is the server. It understands as much
// of HTTP/1.1 as Go's server writes.
type caller struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	out     bytes.Buffer
	body    []byte
}

func (c *caller) close() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// reply is the head of an answer, by header names in small letters. Its body is good until the next call.
type reply struct {
	body   []byte
	header map[string][]string
}

// call sends a request, with pairs of header names and values.
func (c *caller) call(method, path string, body []byte, headers ...string) (status int, r reply, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.address); err != nil {
			return 0, r, err
		}
		c.reader = bufio.NewReaderSize(c.conn, 32<<10)
	}
	if err := c.conn.SetDeadline(time.Now().Add(callTime)); err != nil {
		return 0, r, err
	}
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.address)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&c.out, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if method == "POST" {
		fmt.Fprintf(&c.out, "Content-Length: %d\r\n", len(body))
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return 0, r, err
	}
	status, r, err = c.read()
	if err != nil || strings.EqualFold(first(r.header["connection"]), "close") {
		c.close()
		c.conn = nil
	}
	return status, r, err
}

func (c *caller) read() (status int, r reply, err error) {
	line, err := c.line()
	if err != nil {
		return 0, r, err
	}
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
		return 0, r, fmt.Errorf("answer %q: %w", line, err)
	}
	r.header = map[string][]string{}
	for {
		line, err := c.line()
		if err != nil || line == "" {
			r.body, err = c.readBody(r.header, err)
			return status, r, err
		}
		name, value, _ := strings.Cut(line, ": ")
		name = strings.ToLower(name)
		r.header[name] = append(r.header[name], value)
	}
}

func (c *caller) readBody(header map[string][]string, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	c.body = c.body[:0]
	if first(header["transfer-encoding"]) != "chunked" {
		n, _ := strconv.Atoi(first(header["content-length"]))
		return c.add(n)
	}
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(line, 16, 32)
		if err != nil {
			return nil, err
		}
		if _, err := c.add(int(n)); err != nil {
			return nil, err
		}
		if _, err := c.line(); err != nil || n == 0 {
			return c.body, err
		}
	}
}

// add reads n more bytes of the body.
func (c *caller) add(n int) ([]byte, error) {
	had := len(c.body)
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.reader, c.body[had:])
	return c.body, err
}

func (c *caller) line() (string, error) {
	text, err := c.reader.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
