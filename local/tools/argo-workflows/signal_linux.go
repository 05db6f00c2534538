// Takes the place of a file of this name that is a symbolic link in the repository of Argo Workflows: the zip files
// of Go modules leave links out, and without it argoexec does not compile. It offers what signal_darwin.go does.
//
// One difference: the end of a step is noticed after 20 ms instead of after up to a second.

package osspecific

import (
	"os"
	"syscall"
	"time"

	"github.com/argoproj/argo-workflows/v3/util/errors"
)

const pollInterval = 20 * time.Millisecond

// Term is the signal that asks a step to end.
var Term = syscall.SIGTERM

// CanIgnoreSignal tells the signals that concern argoexec alone, so that they are not passed on to the step.
func CanIgnoreSignal(s os.Signal) bool {
	switch s {
	case syscall.SIGCHLD, syscall.SIGURG:
		return true
	default:
		return false
	}
}

// Kill sends a signal to the process group of pid, or to pid alone if its group is unknown.
func Kill(pid int, s syscall.Signal) error {
	target := pid
	if group, err := syscall.Getpgid(pid); err == nil {
		target = -group
	}
	return syscall.Kill(target, s)
}

// Setpgid gives a step a process group of its own.
func Setpgid(attributes *syscall.SysProcAttr) {
	attributes.Setpgid = true
}

// Wait returns the step's exit status as an error. As process 1 of the container it also reaps orphans on the way,
// and like the kubelet it does not wait for what the step has left running.
func Wait(process *os.Process) error {
	step := process.Pid
	if err := process.Release(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return err
		case pid == step && status.Exited():
			return errors.NewExitErr(status.ExitStatus())
		case pid == step && status.Signaled():
			return errors.NewExitErr(128 + int(status.Signal()))
		case pid == 0:
			time.Sleep(pollInterval)
		}
	}
}
