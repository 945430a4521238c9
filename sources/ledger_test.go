package sources

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// told is a change in one line.
func told(c health.Change) string {
	return fmt.Sprintf("%s ±%v %s %s %s → %s: %s", c.At.UTC().Format(time.TimeOnly), c.Uncertain, c.Kind, c.Service, c.From, c.To, c.Text)
}

// replicaSetJSON is one as the Kubernetes API writes it.
func replicaSetJSON(name, created, revision, image string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"ai","creationTimestamp":%q,"labels":{"app":"chat"},`+
		`"annotations":{"deployment.kubernetes.io/revision":%q,"deployment.kubernetes.io/desired-replicas":"2"},`+
		`"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"chat-deploy","uid":"u","controller":true,"blockOwnerDeletion":true}]},`+
		`"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"app","image":%q}]}}},"status":{"replicas":2}}`, name, created, revision, image)
}

// TestEveryLedgerTellsWhatItsServerKnows asks fakes that answer as the servers'
// documentation says, twice, a minute apart: at midnight and at 00:01.
func TestEveryLedgerTellsWhatItsServerKnows(t *testing.T) {
	// A list of Argo CD knows a few fields of an application, and its history is none of them.
	argo := func(finished string) string {
		return `{"metadata":{"resourceVersion":"71"},"items":[{"metadata":{"name":"chat-prod","namespace":"argocd"},"status":{"operationState":{"startedAt":"1999-12-31T23:00:00Z","finishedAt":"` + finished + `"}}},` +
			`{"metadata":{"name":"new","namespace":"argocd"}},{"metadata":{"name":"still","namespace":"argocd"},"status":{"operationState":{"startedAt":"1999-11-30T23:00:00Z","finishedAt":"1999-11-30T23:00:09Z"}}}]}`
	}
	argoApp := func(history string) string {
		return `{"metadata":{"name":"chat-prod","namespace":"argocd","uid":"u"},"spec":{"project":"default"},"status":{"history":[` + history + `],"sync":{"status":"Synced"},"operationState":{"phase":"Succeeded"}}}`
	}
	const argoList, argoOne = "/api/v1/applications?fields=items.metadata.name", "/api/v1/applications/chat-prod?appNamespace=argocd"
	const first = `{"id":0,"revision":"53e28ff20cc530b9ada2173fbbd64d48338583ba","deployStartedAt":"1999-12-31T23:00:00Z","deployedAt":"1999-12-31T23:00:10Z","source":{"repoURL":"https://git/x","path":"apps/chat"},"initiatedBy":{"automated":true}}`
	const second = `{"id":1,"revision":"a1b2c3d4cc530b9ada2173fbbd64d48338583bab","deployStartedAt":"1999-12-31T23:40:00Z","deployedAt":"1999-12-31T23:40:30Z","source":{"repoURL":"https://git/x","path":"apps/chat"},"initiatedBy":{"username":"ann"}}`
	const several = `{"id":0,"revisions":["53e28ff20cc530b9ada2173fbbd64d48338583ba","1.4.0"],"deployStartedAt":"1999-12-31T23:00:00Z","deployedAt":"1999-12-31T23:00:10Z","source":{"repoURL":""},"sources":[{"repoURL":"https://git/x","path":"values","ref":"values"},{"repoURL":"https://charts","chart":"vllm"}],"initiatedBy":{}}`
	models := func(aliases string) string {
		return `{"registered_models":[{"name":"fraud","creation_timestamp":1,"last_updated_timestamp":2,"aliases":[` + aliases + `]},{"name":"plain"}]}`
	}
	prompts := func(version int, updated string) string {
		return fmt.Sprintf(`{"data":[{"name":"support","type":"text","versions":[%d],"labels":["production"],"tags":[],"lastUpdatedAt":%q,"lastConfig":{}}],"meta":{"page":1,"limit":100,"totalItems":1,"totalPages":1}}`, version, updated)
	}
	set := func(all ...string) string {
		return `{"kind":"ReplicaSetList","apiVersion":"apps/v1","metadata":{"resourceVersion":"9"},"items":[` + strings.Join(all, ",") + `]}`
	}
	v1, v2 := replicaSetJSON("chat-1", "1999-12-30T10:00:00Z", "1", "registry:5000/chat:5.3.0"), replicaSetJSON("chat-2", "1999-12-31T23:50:00Z", "2", "registry:5000/chat:5.3.1")
	githubList := `[{"id":42,"sha":"a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d","ref":"v5.3.1","task":"deploy","environment":"production","description":"release","creator":{"login":"ann"},"created_at":"1999-12-31T23:30:00Z","updated_at":"1999-12-31T23:31:00Z"},` +
		`{"id":41,"sha":"b84d88e7554fc1fa21bcbc4efae3c782a70d2b9d","ref":"main","environment":"production","description":"","creator":{"login":"bob"},"created_at":"1999-12-31T22:30:00Z","updated_at":"1999-12-31T22:31:00Z"},` +
		`{"id":40,"sha":"c84d88e7554fc1fa21bcbc4efae3c782a70d2b9d","ref":"main","environment":"production","creator":{"login":"bob"},"created_at":"1999-12-31T21:30:00Z","updated_at":"1999-12-31T21:31:00Z"}]`
	status := func(state, at string) string {
		return fmt.Sprintf(`{"id":1,"state":%q,"created_at":%q,"log_url":"https://ci/1","environment":"production"}`, state, at)
	}
	for name, c := range map[string]struct {
		kind, section string
		looks         [2]map[string]string // answers by a part of the address, longest first where several fit
		want          []string             // after the second look
	}{
		"argo: who was operated again is asked again": {"argocd", `services = { "chat-prod" = "support-chat" }`,
			[2]map[string]string{{argoList: argo("1999-12-31T23:00:10Z"), argoOne: argoApp(first)}, {argoList: argo("1999-12-31T23:40:30Z"), argoOne: argoApp(second + "," + first)}},
			[]string{"23:00:05 ±5s deploy support-chat  → 53e28ff2: synced apps/chat, by itself", "23:40:15 ±15s deploy support-chat 53e28ff2 → a1b2c3d4: synced apps/chat, by ann"}},
		"argo: who was not is left alone": {"argocd", `project = "ai"`,
			[2]map[string]string{{"finishedAt&projects=ai": argo("1999-12-31T23:00:10Z"), argoOne: argoApp(first)}, {argoList: argo("1999-12-31T23:00:10Z")}},
			[]string{"23:00:05 ±5s deploy chat-prod  → 53e28ff2: synced apps/chat, by itself"}},
		"argo: an application of several sources": {"argocd", ``,
			[2]map[string]string{{argoList: argo("1999-12-31T23:00:10Z"), argoOne: argoApp(several)}, {argoList: argo("1999-12-31T23:00:10Z")}},
			[]string{"23:00:05 ±5s deploy chat-prod  → 53e28ff2 1.4.0: synced values and vllm"}},
		"mlflow: an alias moved": {"mlflow", `aliases = ["champion"]`,
			[2]map[string]string{{"/api/2.0/mlflow/registered-models/search?max_results=100": models(`{"alias":"champion","version":"3"},{"alias":"old","version":"1"}`)}, {"search": models(`{"alias":"champion","version":"4"},{"alias":"old","version":"2"}`)}},
			[]string{"00:00:30 ±30s model fraud 3 → 4: fraud@champion now points to version 4"}},
		"mlflow: an alias was removed": {"mlflow", ``,
			[2]map[string]string{{"search": models(`{"alias":"champion","version":"3"}`)}, {"search": models(``)}},
			[]string{"00:00:30 ±30s model fraud 3 → : fraud@champion was removed"}},
		"mlflow: nothing moved": {"mlflow", ``, [2]map[string]string{{"search": models(`{"alias":"champion","version":"3"}`)}, {"search": models(`{"alias":"champion","version":"3"}`)}}, nil},
		"langfuse: a label moved": {"langfuse", `services = { "support" = "support-chat" }`,
			[2]map[string]string{{"/api/public/v2/prompts?label=production&limit=100&page=1": prompts(31, "1999-12-20T10:00:00Z")}, {"prompts": prompts(32, "2000-01-01T00:00:40Z")}},
			[]string{"00:00:40 ±1s prompt support-chat 31 → 32: prompt support: version 32 is production"}},
		"langfuse: it had moved before we looked": {"langfuse", ``,
			[2]map[string]string{{"prompts": prompts(32, "1999-12-31T23:50:00Z")}, {"prompts": prompts(32, "1999-12-31T23:50:00Z")}},
			[]string{"23:50:00 ±0s prompt support  → 32: prompt support: version 32, production, was last altered"}},
		"langfuse: moved back to an old version": {"langfuse", ``,
			[2]map[string]string{{"prompts": prompts(32, "1999-12-20T10:00:00Z")}, {"prompts": prompts(31, "1999-12-20T09:00:00Z")}},
			[]string{"00:00:30 ±30s prompt support 32 → 31: prompt support: version 31 is production"}},
		"grafana: annotations": {"grafana", `tags = ["deploy"]`,
			[2]map[string]string{{"/api/annotations?from=946648800000&limit=1000&tags=deploy&to=946684800000&type=annotation": `[]`}, {"annotations": `[{"id":7,"alertId":0,"dashboardUID":null,"login":"ann","panelId":2,"time":946683000000,"timeEnd":946683060000,"text":"rollout\n of chat","tags":["deploy","service:chat","version:5.3.1"],"newState":"","prevState":""}]`}},
			[]string{"23:30:30 ±30s deploy chat  → 5.3.1: rollout of chat, by ann"}},
		"kubernetes: a rollout": {"kubernetes-rollouts", `namespace = "ai"`,
			[2]map[string]string{{"/apis/apps/v1/namespaces/ai/replicasets?limit=500": set(v1, v2)}, {"replicasets": set(v2, v1)}},
			[]string{"23:50:00 ±1s deploy chat 5.3.0 → 5.3.1: rollout of ai/chat-deploy: app runs registry:5000/chat:5.3.1"}},
		"kubernetes: rolled back, the old set has a new number": {"kubernetes-rollouts", ``,
			[2]map[string]string{{"replicasets": set(v1, v2)}, {"replicasets": set(v2, strings.Replace(v1, `revision":"1"`, `revision":"3"`, 1))}},
			[]string{"23:50:00 ±1s deploy chat 5.3.0 → 5.3.1: rollout of ai/chat-deploy: app runs registry:5000/chat:5.3.1", "00:00:30 ±30s rollback chat 5.3.1 → 5.3.0: rolled back, revision 2 was there before"}},
		"kubernetes: the same image, other settings": {"kubernetes-rollouts", ``,
			[2]map[string]string{{"replicasets": set(v1, strings.Replace(v2, "5.3.1", "5.3.0", 1))}, {"replicasets": set(v1, strings.Replace(v2, "5.3.1", "5.3.0", 1))}},
			[]string{"23:50:00 ±1s config chat revision 1 → revision 2: rollout of ai/chat-deploy"}},
		"github: what succeeded, even if inactive by now": {"github", ``,
			[2]map[string]string{
				{"/repos/example/support-chat/deployments?": githubList, "/deployments/42/statuses": "[" + status("success", "1999-12-31T23:31:00Z") + "," + status("in_progress", "1999-12-31T23:30:05Z") + "]",
					"/deployments/41/statuses": "[" + status("inactive", "1999-12-31T23:31:00Z") + "," + status("success", "1999-12-31T22:31:00Z") + "]", "/deployments/40/statuses": "[" + status("failure", "1999-12-31T21:31:00Z") + "]"},
				{"/repos/example/support-chat/deployments?": githubList}}, // nothing new: no status is asked for again
			[]string{"22:30:30 ±30s deploy support-chat  → b84d88e7: deployed to production: main, by bob", "23:30:30 ±30s deploy support-chat b84d88e7 → v5.3.1: deployed to production: release, by ann"}},
		"gitlab: two deployments": {"gitlab", ``,
			[2]map[string]string{{"/api/v4/projects/group%2Fsupport-chat/deployments?order_by=id&per_page=100&sort=desc&status=success": "[]"}, {"deployments": `[{"id":42,"iid":2,"ref":"main","sha":"a91957a858320c0e17f3a0eca7cfacbff50ea29a","created_at":"1999-12-31T23:29:00Z","updated_at":"1999-12-31T23:31:00Z","status":"success","user":{"username":"root"},"environment":{"id":9,"name":"production"},"deployable":{"commit":{"title":"Shorter prompts\r"},"created_at":"1999-12-31T23:30:00Z","started_at":null,"finished_at":"1999-12-31T23:31:00Z","pipeline":{"web_url":"https://gitlab/p/1"}}},` +
				`{"id":41,"ref":"v1.2","sha":"b91957a858320c0e17f3a0eca7cfacbff50ea29a","created_at":"1999-12-31T22:29:00Z","updated_at":"1999-12-31T22:30:00Z","status":"success","user":{"username":"root"},"environment":{"name":"production"},"deployable":null}]`}},
			[]string{"22:29:30 ±30s deploy support-chat  → v1.2: deployed to production: v1.2, by root", "23:30:30 ±30s deploy support-chat v1.2 → a91957a8: deployed to production: Shorter prompts, by root"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				look, asked := 0, 0
				s := answeringWith(t, c.kind, c.section, func(w http.ResponseWriter, r *http.Request) {
					asked++
					for part, body := range c.looks[look] {
						if strings.Contains(r.URL.String(), part) {
							io.WriteString(w, body)
							return
						}
					}
					t.Errorf("asked for %s", r.URL)
					http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
				})
				since := time.Now().Add(-10 * time.Hour)
				before, err := s.(Changes).Changes(t.Context(), since)
				again, _ := s.(Changes).Changes(t.Context(), since)
				if n := asked; err != nil || len(again) != len(before) || n == 0 {
					t.Errorf("at first %v, and asked %d times", err, n)
				}
				n := asked
				if _, _ = s.(Changes).Changes(t.Context(), since); asked != n {
					t.Error("asked again at once")
				}
				look = 1
				time.Sleep(time.Minute)
				got, err := s.(Changes).Changes(t.Context(), since)
				if err != nil {
					t.Fatal(err)
				}
				var lines []string
				ids := map[string]bool{}
				for _, change := range got {
					lines = append(lines, told(change))
					if ids[change.ID] = true; change.Source != "main" {
						t.Errorf("source %q", change.Source)
					}
				}
				if strings.Join(lines, "\n") != strings.Join(c.want, "\n") || len(ids) != len(got) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(c.want, "\n"))
				}
			})
		})
	}
}

// TestALedgerRemembersWhileItsServerIsAway lets the second look fail, in the words of
// each server.
func TestALedgerRemembersWhileItsServerIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		code     int
		body     string
		contains string
		is       error
	}{
		"argocd":                       {401, `{"error":"no session information","code":16,"message":"no session information"}`, "no session information", nil},
		"mlflow":                       {404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"not here"}`, "404 not found", ErrRefused},
		"langfuse":                     {401, `{"message":"Invalid credentials. Confirm that you've configured the correct host."}`, "Invalid credentials", nil},
		"grafana":                      {403, `{"accessErrorId":"ACE1","message":"You'll need additional permissions to perform this action. Permissions needed: annotations:read","title":"Access denied"}`, "annotations:read", nil},
		"kubernetes-rollouts":          {403, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"replicasets.apps is forbidden: User \"me\" cannot list resource","reason":"Forbidden","code":403}`, "cannot list resource", nil},
		"github":                       {429, `{"message":"API rate limit exceeded for 1.2.3.4.","documentation_url":"https://docs.github.com/rest"}`, "rate limit", ErrBusy},
		"gitlab":                       {404, `{"message":"404 Project Not Found"}`, "404 not found", ErrRefused},
		"gitlab with too little scope": {403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}`, "insufficient_scope: The request requires higher privileges", nil},
		"gitlab, renamed":              {301, `This resource has been moved permanently to https://gitlab/api/v4/projects/12/deployments`, "redirect to https://gitlab/api/v4/projects/12/deployments; if it was renamed, put its new name into project", nil},
		"github, renamed":              {301, `{"message":"Moved Permanently","url":"https://api.github.com/repositories/1/deployments"}`, "put its new name into repository", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			down := false
			kind := name[:len(name)-len(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz-"))]
			s := answeringWith(t, kind, "", func(w http.ResponseWriter, r *http.Request) {
				if down {
					w.Header().Set("Location", "https://gitlab/api/v4/projects/12/deployments")
					w.WriteHeader(c.code)
					io.WriteString(w, c.body)
					return
				}
				io.WriteString(w, map[bool]string{true: "[]", false: "{}"}[kind == "grafana" || kind == "github" || kind == "gitlab"])
			})
			l := s.(*ledger)
			if _, err := l.Changes(t.Context(), time.Now().Add(-time.Hour)); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			l.known = []health.Change{{ID: "kept", At: time.Now()}}
			down = true
			time.Sleep(2 * time.Minute)
			got, err := l.Changes(t.Context(), time.Now().Add(-time.Hour))
			if err == nil || !strings.HasPrefix(err.Error(), "main: ") || !strings.Contains(err.Error(), c.contains) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s: %v", kind, err)
			}
			if len(got) != 1 || got[0].ID != "kept" {
				t.Errorf("%s forgot what it knew: %+v", kind, got)
			}
		})
	}
}

// TestPagesAreReadToTheEnd follows what three servers call the next page.
func TestPagesAreReadToTheEnd(t *testing.T) {
	for kind, pages := range map[string][]string{
		"mlflow":              {`{"registered_models":[{"name":"a","aliases":[{"alias":"x","version":"1"}]}],"next_page_token":"t+1"}`, `{"registered_models":[{"name":"b","aliases":[{"alias":"x","version":"1"}]}]}`},
		"langfuse":            {`{"data":[{"name":"a","versions":[1]}],"meta":{"totalPages":2}}`, `{"data":[{"name":"b","versions":[1]}],"meta":{"totalPages":2}}`},
		"kubernetes-rollouts": {`{"metadata":{"continue":"t+1"},"items":[` + replicaSetJSON("a", "1999-12-31T23:50:00Z", "1", "a:1") + `]}`, `{"metadata":{},"items":[` + strings.Replace(replicaSetJSON("b", "1999-12-31T23:50:00Z", "1", "b:1"), "chat-deploy", "b", 1) + `]}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked []string
			s := answeringWith(t, kind, "", func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.RawQuery)
				io.WriteString(w, pages[len(asked)-1])
			})
			if _, err := s.(Changes).Changes(t.Context(), time.Now().Add(-time.Hour)); err != nil || len(asked) != 2 {
				t.Errorf("%s: asked %q, %v", kind, asked, err)
			}
			if !strings.Contains(asked[1], "t%2B1") && !strings.Contains(asked[1], "page=2") {
				t.Errorf("%s: asked %q", kind, asked)
			}
		})
	}
}

// TestOneApplicationOfArgoThatIsRefusedKeepsNoOtherAway: rights there are for each.
func TestOneApplicationOfArgoThatIsRefusedKeepsNoOtherAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := func(name string) string {
			return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"argocd"},"status":{"operationState":{"startedAt":"1999-12-31T23:00:00Z"}}}`, name)
		}
		s := answeringWith(t, "argocd", "", func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/applications"):
				io.WriteString(w, `{"items":[`+app("theirs")+`,`+app("ours")+`]}`)
			case strings.HasSuffix(r.URL.Path, "/theirs"):
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, `{"error":"permission denied","code":7,"message":"permission denied"}`)
			default:
				io.WriteString(w, `{"metadata":{"name":"ours","namespace":"argocd"},"status":{"history":[{"id":3,"revision":"v2","deployedAt":"1999-12-31T22:00:00Z","source":{"path":"x"}}]}}`)
			}
		})
		got, err := s.(Changes).Changes(t.Context(), time.Now().Add(-10*time.Hour))
		if len(got) != 1 || got[0].Service != "ours" || err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestGitHubsLimitIsNoMissingRight: it says 403 to both, and wants to be left alone
// until the hour is over.
func TestGitHubsLimitIsNoMissingRight(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		message string
		after   time.Duration // at least; 0: it is no limit
	}{
		"spent":  {[]string{"X-RateLimit-Limit", "60", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(40*time.Minute).Unix(), 10)}, "API rate limit exceeded for 1.2.3.4.", 40 * time.Minute},
		"burst":  {[]string{"Retry-After", "60", "X-RateLimit-Remaining", "41"}, "You have exceeded a secondary rate limit.", time.Minute},
		"rights": {[]string{"X-RateLimit-Remaining", "4999", "X-RateLimit-Reset", "946730000"}, "Resource not accessible by personal access token", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			s := answeringWith(t, "github", "", func(w http.ResponseWriter, r *http.Request) {
				asked++
				for i := 0; i < len(c.headers); i += 2 {
					w.Header().Set(c.headers[i], c.headers[i+1])
				}
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprintf(w, `{"message":%q,"documentation_url":"https://docs.github.com/rest","status":"403"}`, c.message)
			})
			_, err := s.(Changes).Changes(t.Context(), time.Now().Add(-time.Hour))
			var busy *Busy
			if limited := errors.As(err, &busy); err == nil || !strings.Contains(err.Error(), c.message) || limited != (c.after > 0) {
				t.Fatalf("%s: %v", name, err)
			}
			if c.after == 0 {
				return
			}
			if strings.Contains(err.Error(), "rights") || busy.After < c.after || busy.After > c.after*11/10 {
				t.Errorf("%s: %v, to be left alone for %v", name, err, busy.After)
			}
			time.Sleep(c.after - time.Second)
			if _, _ = s.(Changes).Changes(t.Context(), time.Now().Add(-time.Hour)); asked != 1 {
				t.Errorf("%s: asked %d times", name, asked)
			}
		})
	}
}

func TestGitHubIsAskedForTheVersionOfItsAPIThatIsRead(t *testing.T) {
	for section, want := range map[string]string{"": "2022-11-28", `http_headers = { X-GitHub-Api-Version = "2026-03-10" }`: "2026-03-10"} {
		got := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("X-GitHub-Api-Version")
			io.WriteString(w, "[]")
		}))
		defer server.Close()
		s := mustOpen(t, "github", fmt.Sprintf("url = %q\nrepository = \"a/b\"\n%s", server.URL, section))
		if _, err := s.(Changes).Changes(t.Context(), time.Now()); err != nil || got != want {
			t.Errorf("%q: asked for version %q, %v", section, got, err)
		}
	}
}
