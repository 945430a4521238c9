package demo

func init() {
	register(&Scenario{
		Name:  "quiet",
		Title: "nothing is wrong",
		Story: "Every service is well. Some things were deployed, none of them did any harm.",
	})
}
