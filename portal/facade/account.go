package facade

import (
	"errors"
	"strings"

	"postern/engine"
	"postern/portal"
)

// changePassword sets another password for who is signed in, and for nobody else. The session gets another name with
// it, which moreinfo tells.
func (f *Facade) changePassword(c *call, v portal.Viewer) (answer, error) {
	wrong := fault(codeOldPassword, "Invalid value given for old password.")
	if !f.private(c) {
		return answer{}, fault(codeFailure, "a password is taken by https alone")
	}
	if email := c.value("email"); email != "" && !strings.EqualFold(email, v.Me.Record.Text(v.Portal.Subject.Login)) {
		return answer{}, wrong
	}
	in, err := f.with.Gate.ChangePassword(c.context(), v, c.value("current_password"), c.value("password"), c.caller)
	var weak *portal.WeakError
	switch {
	case errors.Is(err, portal.ErrRefused):
		return answer{}, wrong
	case errors.As(err, &weak):
		return answer{}, fault(codeWeak, "the new password is not taken: "+weak.Code)
	case err != nil:
		return answer{}, err
	}
	return answer{result: true, info: row{}.with("sessionName", in.Token)}, nil
}

// recover sends who forgot their password a link. The answer is 0 for everybody.
func (f *Facade) recover(c *call, _ portal.Viewer) (answer, error) {
	err := f.with.Gate.Ask(c.context(), c.portal.Name, c.value("username"), engine.OpensPassword, c.caller)
	if err != nil {
		return answer{}, err
	}
	return answer{result: 0}, nil
}
