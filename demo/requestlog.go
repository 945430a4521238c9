package demo

import (
	"bufio"
	"fmt"
	"os"
)

// logLimit is the size at which the request log is rotated, in bytes.
const logLimit = 64 << 20

// A requestLog is a file that is appended to, and now and then renamed and
// begun anew, as log rotation does. Each Write is whole lines.
type requestLog struct {
	*bufio.Writer
	path string
	file *os.File
	size int
}

func createLog(path string) (*requestLog, error) {
	f, err := begun(path)
	if err != nil {
		return nil, err
	}
	return &requestLog{Writer: bufio.NewWriterSize(f, 1<<18), path: path, file: f}, nil
}

// begun is an empty file to append to: lines that somebody adds by hand stay.
func begun(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
}

func (l *requestLog) Write(lines []byte) (int, error) {
	if l.size > 0 && l.size+len(lines) > logLimit {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	l.size += len(lines)
	return l.Writer.Write(lines)
}

// rotate keeps one older file.
func (l *requestLog) rotate() error {
	if err := l.close(); err != nil {
		return err
	}
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	f, err := begun(l.path)
	if err != nil {
		return err
	}
	l.file, l.size = f, 0
	l.Reset(f)
	return nil
}

func (l *requestLog) close() error {
	flushed, closed := l.Flush(), l.file.Close()
	if flushed != nil {
		return flushed
	}
	return closed
}
