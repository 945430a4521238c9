package logs

import (
	"reflect"
	"runtime"
	"testing"

	"sickbay/health"
)

func TestALightRecordLacksOnlyWhatIsLong(t *testing.T) {
	got := Light(slim(parser(), whole))
	want := slim(parser(), whole)
	want.Raw = ""
	want.Tools = []health.ToolCall{{Name: "track", Duration: health.Num(0.2)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLightRecordsDoNotKeepTheirLines(t *testing.T) {
	p, m := parser(), newMill(5)
	const n = 5_000
	held := make([]health.Request, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range held {
		p.Slim(&held[i], string(m.line()))
		held[i] = Light(held[i])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	t.Logf("%d bytes beside the %d of a Request", each, reflect.TypeFor[health.Request]().Size())
	if each > 350 {
		t.Errorf("%d bytes of a line are kept", each)
	}
	runtime.KeepAlive(held)
}
