package sources

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// replay answers every question with one text.
type replay struct{ text []byte }

func (r replay) URL(string, map[string]string) *url.URL { return &url.URL{} }

func (r replay) Do(context.Context, *http.Request) (*http.Response, []byte, error) {
	return &http.Response{StatusCode: http.StatusOK}, r.text, nil
}

// FuzzAnswer holds what is read by hand against what the client library makes of it.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b","le":"+Inf"},"values":[[1795442400,"1"],[1795442415.5,"NaN"],[1795442430.123,"-1e-3"]]},{"metric":{},"values":[]}]},"warnings":["w\u0041"]}`,
		` {"isPartial":true, "data":{"result":[ {"value":[1795442400.781,"2"],"metric":{"a":"}\"{","\u00e9":"é"}} ],"resultType":"vector"},"stats":{"seriesFetched":"2","n":[1,-2.5e3,null,true]},"status":"success"}` + "\n",
		`{"status":"success","data":{"resultType":"vector","result":[]},"infos":["i"]}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"0","sum":"0"}]}]}}`,
		`{"status":"error","errorType":"bad_data","error":"x"}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"1"]]}]}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[01,"1"],[1.,"1"],[1,1]]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1"]]}]}}`,
		`<html>`, ``, `{`, `[]`, `{"status":"success"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := new(labelSets).read(text)
		if err != nil {
			return // the library reads it
		}
		value, warnings, _, err := v1.NewAPI(replay{text}).Query(t.Context(), "up", time.Time{})
		if err != nil {
			t.Fatalf("read as %v, the library says %v", got, err)
		}
		want, err := series(value)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) != len(got.series) || len(warnings) != len(got.warnings) {
			t.Fatalf("%v and %v, want %v and %v", got.series, got.warnings, want, warnings)
		}
		for i, s := range got.series {
			if !reflect.DeepEqual(s.Labels, want[i].Labels) || len(s.Points) != len(want[i].Points) {
				t.Fatalf("%v, want %v", s, want[i])
			}
			for k, p := range s.Points {
				if w := want[i].Points[k]; p.T != w.T || math.Float64bits(p.V) != math.Float64bits(w.V) {
					t.Fatalf("%v, want %v", p, w)
				}
			}
		}
	})
}

func TestLabelsThatCameBeforeAreNotMadeAgain(t *testing.T) {
	sets := new(labelSets)
	text := []byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"b":"2","a":"1"},"value":[1,"1"]},{"metric":{"a":"1","b":"2"},"value":[1,"2"]}]}}`)
	first, err := sets.read(text)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := sets.read(text)
	if reflect.ValueOf(first.series[0].Labels).Pointer() != reflect.ValueOf(again.series[0].Labels).Pointer() {
		t.Error("the same labels were made twice")
	}
	plain := Series{Labels: map[string]string{"a": "1", "b": "2"}}
	for _, s := range first.series {
		if s.ID() != plain.ID() {
			t.Errorf("%q and %q are one set of labels", s.ID(), plain.ID())
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = sets.read(text) }); n > 20 {
		t.Errorf("an answer of two series made %v pieces of garbage", n)
	}
}

func BenchmarkAnswer(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
	for i := range 50 {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(`{"metric":{"service":"service-` + strings.Repeat("x", i) + `"},"values":[[1795442400,"0.8012345678"],[1795442415,"0.8112345678"],[1795442430,"0.8212345678"]]}`)
	}
	text.WriteString(`]}}`)
	raw := []byte(text.String())
	b.Run("by hand", func(b *testing.B) {
		sets := new(labelSets)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sets.read(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by the library", func(b *testing.B) {
		api := v1.NewAPI(replay{raw})
		b.ReportAllocs()
		for b.Loop() {
			v, _, _, err := api.QueryRange(b.Context(), "up", v1.Range{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := series(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
