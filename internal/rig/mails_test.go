package rig

import (
	"errors"
	"fmt"
	"net/smtp"
	"testing"
)

func TestMailServerTakesRefusesAndComesBack(t *testing.T) {
	var taken []Mail
	mails := &MailServer{
		Plain: true,
		Take:  func(_ *Dialogue, m Mail) error { taken = append(taken, m); return nil },
		OnRcpt: func(_ *Dialogue, to string) error {
			if to == "nobody@people.example" {
				return Refuse(550, "no such user")
			}
			return nil
		},
	}
	send := func(to string) error {
		text := "Subject: Ticket 1\r\n\r\nSee http://x.example/l/abc\r\nand http://x.example/l/abc\r\n"
		return smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", mails.Port), nil, "us@acme.example", []string{to}, []byte(text))
	}
	for range 2 { // the second time on the same port
		if err := mails.Start(); err != nil {
			t.Fatal(err)
		}
		if err := send("zoe@people.example"); err != nil {
			t.Error(err)
		}
		if err := send("nobody@people.example"); err == nil {
			t.Error("a refused recipient was taken")
		}
		mails.Close()
		if err := send("zoe@people.example"); err == nil {
			t.Error("a closed server took a mail")
		}
	}
	if len(taken) != 2 {
		t.Fatalf("took %d mails, want 2", len(taken))
	}
	letter, err := taken[0].Read()
	if err != nil || letter.To != "zoe@people.example" || letter.Subject != "Ticket 1" || len(letter.Links) != 1 {
		t.Errorf("read %+v, %v", letter, err)
	}
}

func TestChildTellsOfItsEnd(t *testing.T) {
	place, err := NewPlace(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	died := make(chan error, 1)
	child, err := StartOther(place, func(err error) { died <- err }, "sh", "-c", "echo some words; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if err := child.AwaitReady(t.Context()); err == nil || child.Ended() == nil || child.Tail() != "some words" {
		t.Errorf("ready %v, ended with %v, log %q", err, child.Ended(), child.Tail())
	}
	if err := <-died; !errors.Is(err, child.Ended()) {
		t.Errorf("died of %v", err)
	}
	child, err = StartOther(place, func(err error) { died <- err }, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	child.Kill()
	if child.Ended() == nil || len(died) > 0 {
		t.Errorf("after Kill ended with %v, told of %d deaths", child.Ended(), len(died))
	}
}
