package demo

// A voice is what a service and its users say. In all texts # stands for a digit.
type voice struct {
	talk      []exchange
	documents []passage // what retrieval may find; the n-th answers the n-th question
	tools     []string
	calls     []call // of tools, the first one is the one that may repeat
	subject   string // whom a prediction is about
}

type exchange struct{ question, answer string }

type passage struct{ id, text string }

type call struct{ name, arguments, result string }

var supportVoice = voice{talk: []exchange{
	{"Where is my order 4#######?", "Your order left our warehouse yesterday and should arrive on Thursday. Tracking: 00340###########."},
	{"I want to return the shoes from order 4#######, they are too small.", "No problem: print the label from your account under Orders, and we refund you within 5 days of arrival."},
	{"Can I change the delivery address of order 4#######?", "It has not been packed yet, so yes. I have sent you a link to change the address until 6 pm."},
	{"My voucher SUMMER## does not work", "SUMMER## needs a basket of at least 40 EUR without sale items; yours has 3#.90 EUR."},
	{"do you ship to Norway?", "Yes, in 4 to 6 working days. Customs are paid at checkout, nothing is due on delivery."},
	{"The blender arrived broken. What now?", "I'm sorry about that. I have ordered a new one for you (R-#####) and you need not send the broken one back."},
	{"I was charged twice for order 4#######", "One of the two is only reserved by your bank and disappears within 3 days; we booked 5#.90 EUR once."},
	{"how long is the warranty on the headphones", "Two years from delivery. Keep order number 4####### as your receipt."},
	{"Cancel my newsletter please", "Done. It may take a day until the last mail on its way has arrived."},
	{"Is the grey lamp available again?", "We expect 2## of them in # days. Shall I write to you then?"},
}}

var codeVoice = voice{talk: []exchange{
	{"Explain this function: func (s *Store) sweep() { ... }", "It drops chunks older than the retention and keeps the postings in step; it holds the write lock all the while."},
	{"write a unit test for parseDuration", "Here is a table test with the cases empty, \"1d\", \"90s\", negative and overflow."},
	{"why does this deadlock?", "Line ## sends on the channel while holding mu, and the receiver wants mu before it reads."},
	{"rename userId to userID everywhere", "Changed ## places in # files; two of them are JSON tags, which I left as they are."},
	{"convert this callback code to async/await", "Below is the same logic with await; the error path at line ## now also closes the stream."},
	{"regex for ISO dates", "`^\\d{4}-\\d{2}-\\d{2}$` matches the shape; use time.Parse to reject the 31st of June."},
	{"What does EXPLAIN say here?", "It reads the whole table: the filter on lower(email) cannot use the index on email."},
}}

var summaryVoice = voice{talk: []exchange{
	{"Summarise the attached minutes (## pages).", "Three decisions: the launch moves to March, the budget grows by #.# %, hiring stops in Q#."},
	{"tl;dr of this incident report", "A certificate expired at 03:## and nobody was told; 4# minutes without logins; an alert was added."},
	{"Summarise this contract for management", "Term of 36 months, ## days' notice, price fixed for the first year, liability capped at one yearly fee."},
	{"key figures of the quarterly report please", "Revenue +#.# %, margin 2#.# %, cash 1## million; guidance unchanged."},
	{"Shorten to five bullet points", "Five points follow; the figures are those of table # in the original."},
}}

var translateVoice = voice{talk: []exchange{
	{"en>de: The package could not be delivered.", "Das Paket konnte nicht zugestellt werden."},
	{"de>en: Bitte bestätigen Sie Ihre Adresse.", "Please confirm your address."},
	{"en>fr: Your refund of ## EUR is on its way.", "Votre remboursement de ## EUR est en route."},
	{"en>es: Click here to reset your password.", "Haga clic aquí para restablecer su contraseña."},
	{"fr>en: Ce produit n'est plus disponible.", "This product is no longer available."},
	{"en>ja: Thank you for waiting.", "お待ちいただきありがとうございます。"},
}}

var llamaVoice = voice{talk: []exchange{
	{"Draft a polite answer to ticket #####", "Thank you for your patience. We have found the cause and it will be mended by Friday."},
	{"Turn these notes into a release announcement", "Version #.# brings faster search, fewer clicks at checkout and twelve corrections."},
	{"Which of these # reviews mention delivery?", "Numbers 2 and # do; both praise it."},
	{"Extract name and date as JSON", "{\"name\": \"A. Meyer\", \"date\": \"2026-11-0#\"}"},
	{"Give me three subject lines for our sale", "1. Winter is cheaper here  2. Two days, everything must go  3. Your basket misses you"},
	{"Is this mail spam?", "Probably: it asks for a password and its link leads to another domain."},
}}

var docsVoice = voice{
	talk: []exchange{
		{"How do I rotate the API key without downtime?", "Create a second key, deploy it everywhere, then revoke the first one under Settings > Keys. Both are valid meanwhile. [auth/rotation]"},
		{"what is the default rate limit", "600 requests a minute per key; bursts of 100. You can ask for more under Limits. [limits/defaults]"},
		{"webhook signature does not verify", "Sign the raw body, not the parsed JSON, with HMAC-SHA256 and compare in constant time. [webhooks/signing]"},
		{"How do I paginate results?", "Pass the page_token of the answer back until it is empty; page_size is at most 500. [api/pagination]"},
		{"Which regions are supported?", "eu-west-1, us-east-1 and ap-southeast-1; data never leaves the region you choose. [regions]"},
		{"set up single sign-on with SAML", "Upload your metadata under Security, map the e-mail attribute, then test with one user. [sso/saml]"},
		{"error E#### when importing csv", "E4### means a row has more fields than the header. The row's number is in the report. [import/errors]"},
		{"how long are logs kept", "30 days, or 400 with the audit add-on. Export them to your bucket before. [logs/retention]"},
	},
	documents: []passage{
		{"auth/rotation.md", "Two keys may be active at the same time. Rotate by creating a second key before you revoke the first."},
		{"limits/defaults.md", "The default limit is 600 requests per minute and key. Bursts of up to 100 requests are accepted."},
		{"webhooks/signing.md", "Each delivery carries X-Signature: HMAC-SHA256 of the raw request body, hexadecimal."},
		{"api/pagination.md", "Lists return page_token. Send it back unchanged to get the next page; an empty token ends the list."},
		{"regions.md", "Choose the region when you create a project. It cannot be changed afterwards."},
		{"sso/saml.md", "Assertion consumer service URL and entity ID are shown under Security > Single sign-on."},
		{"import/errors.md", "E4001: unknown column. E4002: row has more fields than the header. E4003: not UTF-8."},
		{"logs/retention.md", "Logs are kept for 30 days. The audit add-on keeps them for 400 days."},
	},
}

var legalVoice = voice{
	talk: []exchange{
		{"Limitation period for claims from a works contract?", "Two years for work on movable things, five for buildings, from acceptance. [§ 634a BGB]"},
		{"notice period after six years of employment", "Two months to the end of a calendar month for the employer. [§ 622 (2) BGB]"},
		{"Is an oral guarantee valid?", "Only between merchants; otherwise a guarantee needs writing. [§ 766 BGB, § 350 HGB]"},
		{"Who bears the risk during shipment to a consumer?", "The seller, until the goods are handed over. [§ 475 (2) BGB]"},
		{"case law on late delivery in online shops", "Four decisions since 2021; the leading one requires a date, not \"about ## days\"."},
	},
	documents: []passage{
		{"bgb/634a", "The claims named in § 634 nos 1, 2 and 4 become statute-barred in two years … in five years in the case of a building."},
		{"bgb/622", "The notice period for the employer is two months to the end of a month after five years of employment."},
		{"bgb/766", "For a contract of suretyship to be valid, the declaration must be issued in writing."},
		{"bgb/475", "§ 447 (1) applies only if the buyer commissioned the carrier and the seller did not name him before."},
	},
}

var shopVoice = voice{
	talk: []exchange{
		{"waterproof hiking shoes size 4#", "Three pairs fit: Ridge Mid GTX, Trailhead and Alpin II; the first one is on sale at 12#.90."},
		{"gift for a ten year old who likes space", "A planetarium lamp, the Mars rover kit, or a star chart poster; all under 40 EUR."},
		{"quiet vacuum cleaner", "Silentio 3 runs at 5# dB and is the quietest we have."},
		{"usb c charger 6#w", "Two chargers with at least 65 W: Nano Duo and Travel Pro."},
		{"black desk 1## cm", "Kontor in black oak, 140 x 70 cm, in stock."},
	},
	documents: []passage{
		{"sku/48112", "Ridge Mid GTX: waterproof membrane, Vibram sole, 480 g, sizes 36 to 47."},
		{"sku/20933", "Planetarium lamp with 12 discs, from 8 years, USB powered."},
		{"sku/77120", "Silentio 3: 58 dB, 1.8 l bag, radius 11 m."},
		{"sku/31188", "Nano Duo: 65 W, 2 x USB-C, 98 g."},
		{"sku/90051", "Kontor desk, black oak veneer, 140 x 70 cm, height 74 cm."},
	},
}

var triageVoice = voice{
	talk: []exchange{
		{"New ticket #####: \"cannot log in since the update\"", "Merged with ticket 48### (same error since 5.3.1), priority high, answered with the workaround."},
		{"New ticket #####: \"invoice shows wrong VAT\"", "Assigned to billing with the customer's country and the last two invoices attached."},
		{"New ticket #####: \"feature request: dark mode\"", "Tagged as request, linked to idea 2##, thanked the customer."},
		{"New ticket #####: \"API returns 500 on /export\"", "Known incident 9##, status page linked, customer subscribed to updates."},
		{"New ticket #####: \"please delete my account\"", "Identity confirmed, deletion scheduled, closing mail sent."},
	},
	tools: []string{"search_tickets", "get_customer", "update_ticket", "search_docs", "send_reply"},
	calls: []call{
		{"search_tickets", `{"query":"status:open similar_to:##### page:1","limit":20}`, `{"tickets":[{"id":48###,"score":0.8#}],"next":"p2"}`},
		{"get_customer", `{"id":"cus_#####"}`, `{"plan":"business","country":"DE","open_tickets":#}`},
		{"search_docs", `{"query":"#### login error after update"}`, `{"hits":[{"id":"kb-3##","title":"Clearing the session cache"}]}`},
		{"update_ticket", `{"id":#####,"priority":"high","team":"auth"}`, `{"ok":true}`},
		{"send_reply", `{"id":#####,"template":"workaround-session"}`, `{"ok":true,"message_id":"m-######"}`},
	},
}

var travelVoice = voice{
	talk: []exchange{
		{"Two of us to Lisbon in the second week of May, no red-eyes", "Direct on the 9th at 10:4#, back on the 16th at 13:##, hotel in Alfama: 1 1## EUR in all. Shall I book?"},
		{"train Berlin to Vienna tomorrow morning", "08:#5 direct, arrives 16:2#, seat by the window reserved, 5#.90 EUR."},
		{"Move my hotel in Oslo by one night", "Done without a fee; the new invoice is on its way."},
		{"cheapest flight to Rome this weekend", "Friday 21:#0 for 7# EUR with hand luggage; Saturday morning costs 2# EUR more."},
	},
	tools: []string{"search_flights", "search_hotels", "search_trains", "hold_booking", "get_weather"},
	calls: []call{
		{"search_flights", `{"from":"BER","to":"LIS","date":"2027-05-09","max_stops":0,"cursor":"c####"}`, `{"offers":[{"id":"f-####","eur":18#}]}`},
		{"search_hotels", `{"city":"Lisbon","nights":7,"stars":3,"page":##}`, `{"offers":[{"id":"h-####","eur":7##}]}`},
		{"get_weather", `{"city":"Lisbon","from":"2027-05-0#","days":##}`, `{"high_c":23,"rain_days":6}`},
		{"search_trains", `{"from":"Berlin","to":"Wien","date":"2026-11-24","after":"0#:##"}`, `{"trains":[{"id":"t-####","eur":5#.9}]}`},
		{"hold_booking", `{"offer":"f-####","minutes":30}`, `{"ok":true,"hold":"bk-######"}`},
	},
}

var (
	fraudVoice  = voice{subject: "payment p-########"}
	churnVoice  = voice{subject: "customer cus_#####"}
	demandVoice = voice{subject: "article sku-######"}
	rankVoice   = voice{subject: "auction a-#########"}
)
