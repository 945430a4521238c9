package health

// Rules judge a service besides its limits and objectives: what it usually is (past),
// distributions that moved (drift), alerts that fire (alert), requests one by one
// (detector). Each may be ignored for a service; a Finding names its Rule.
func Rules() []string { return []string{"past", "drift", "alert", "detector"} }
