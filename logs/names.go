package logs

import "strings"

// meaning is what a field of a log line is about.
type meaning uint8

const (
	other meaning = iota
	aTime
	aLevel
	aLevelOTel
	aLevelPython
	aService
	aMessage
	anErrorText
	anErrorType
	aRequestID
	aResponseID
	aTraceID
	anOperation
	aStatusCode
	aFinish
	aDuration
	aDurationMS
	aTTFT
	aTTFTMS
	tokensIn
	tokensOut
	aCost
	aModel
	aResponseModel
	aProvider
	aPromptName
	buildVersion
	modelVersion
	promptVersion
	indexVersion
	dataVersion
	configVersion
	aTenant
	anAgent
	aTool
	toolArguments
	toolResult
	toolCalls
	promptText
	systemText
	answerText
	documents
	evaluations
	evalName
	evalScore
	evalLabel
	numbered // messages, one field for each part of them
	nobody   // known, and of no use: span ids, host names, process numbers
	meanings
)

// names lists, for every meaning, the field names that carry it, best first.
// They are written with underscores; dots, blanks and dashes mean the same, and so
// does nesting. Older OpenTelemetry names stand behind the newer ones.
var names = map[meaning]string{
	aTime: `time ts timestamp @timestamp t datetime date event_time eventtime asctime time_unix_nano timeunixnano observed_timestamp
		observedtimeunixnano`,
	aLevel:       `level lvl severity severity_text severitytext loglevel log_level levelname log_severity`,
	aLevelOTel:   `severity_number severitynumber`,
	aLevelPython: `levelno`,
	aService:     `service service_name app application app_name otel_service_name`,
	aMessage:     `message msg body event event_name log text @message`,
	anErrorText:  `error_message exception_message error err exception error_msg err_msg error_detail`,
	anErrorType:  `error_type exception_type error_kind error_class err_type error_code`,
	aRequestID:   `request_id requestid req_id reqid x_request_id http_request_id http_request_header_x_request_id litellm_call_id correlation_id`,
	aResponseID:  `gen_ai_response_id response_id`,
	aTraceID:     `trace_id traceid trace otel_trace_id dd_trace_id`,
	anOperation:  `gen_ai_operation_name operation_name operation op call_type`,
	aStatusCode:  `http_response_status_code http_status_code status_code http_status response_status response_status_code status`,
	aFinish:      `gen_ai_response_finish_reasons gen_ai_response_finish_reason finish_reason finish_reasons finished_reason stop_reason`,
	aDuration:    `duration_s duration_seconds duration latency_s latency_seconds latency elapsed_s elapsed_seconds elapsed response_time_s took`,
	aDurationMS:  `duration_ms latency_ms elapsed_ms response_time_ms took_ms duration_milliseconds`,
	aTTFT: `gen_ai_response_time_to_first_chunk gen_ai_server_time_to_first_token time_to_first_chunk time_to_first_token time_to_first_token_s
		time_to_first_token_seconds ttft ttft_s ttft_seconds`,
	aTTFTMS:   `ttft_ms time_to_first_token_ms time_to_first_chunk_ms`,
	tokensIn:  `gen_ai_usage_input_tokens gen_ai_usage_prompt_tokens usage_input_tokens usage_prompt_tokens llm_usage_prompt_tokens input_tokens prompt_tokens tokens_in`,
	tokensOut: `gen_ai_usage_output_tokens gen_ai_usage_completion_tokens usage_output_tokens usage_completion_tokens llm_usage_completion_tokens output_tokens completion_tokens tokens_out`,
	aCost:     `cost_usd gen_ai_usage_cost gen_ai_usage_cost_usd response_cost cost total_cost spend`,

	aModel:         `gen_ai_request_model request_model model model_name llm_request_model`,
	aResponseModel: `gen_ai_response_model response_model llm_response_model`,
	aProvider:      `gen_ai_provider_name gen_ai_system provider provider_name llm_provider custom_llm_provider`,
	aPromptName:    `gen_ai_prompt_name prompt_name prompt_id`,
	buildVersion:   `build_version service_version app_version version build image_tag revision commit git_sha`,
	modelVersion:   `model_version gen_ai_model_version`,
	promptVersion:  `prompt_version gen_ai_prompt_version`,
	indexVersion:   `index_version gen_ai_index_version`,
	dataVersion:    `data_version dataset_version`,
	configVersion:  `config_version`,
	aTenant:        `tenant tenant_id tenant_name`,
	anAgent:        `gen_ai_agent_name agent_name agent`,

	aTool:         `gen_ai_tool_name tool_name tool mcp_tool_name`,
	toolArguments: `gen_ai_tool_call_arguments tool_arguments`,
	toolResult:    `gen_ai_tool_call_result tool_result`,
	toolCalls:     `gen_ai_tool_calls tool_calls`,
	promptText:    `gen_ai_input_messages gen_ai_prompt input_messages messages prompt input`,
	systemText:    `gen_ai_system_instructions system_instructions`,
	answerText:    `gen_ai_output_messages gen_ai_completion output_messages completion output answer response`,
	documents:     `gen_ai_retrieval_documents retrieval_documents documents retrieved_documents chunks`,
	evaluations:   `gen_ai_evaluation_result gen_ai_evaluation_results evaluation evaluations`,
	evalName:      `gen_ai_evaluation_name evaluation_name`,
	evalScore:     `gen_ai_evaluation_score_value evaluation_score_value evaluation_score`,
	evalLabel:     `gen_ai_evaluation_score_label evaluation_score_label evaluation_label`,

	nobody: `span_id spanid parent_span_id trace_flags flags logger caller filename file line lineno func function pathname module
		host hostname pid process process_id thread thread_name stack stacktrace stack_trace exception_stacktrace error_stack exc_info
		duration_ns observed_time seq`,
}

// alias is one way to write a meaning; rank 0 is the best.
type alias struct {
	meaning meaning
	rank    uint8
}

var aliases = index(names)

func index(names map[meaning]string) map[string]alias {
	all := map[string]alias{}
	for m, words := range names {
		for i, w := range strings.Fields(words) {
			all[w] = alias{m, uint8(i)}
		}
	}
	return all
}

// wrappers are objects that log shippers put around the fields of an application.
var wrappers = []string{"attributes_", "resource_attributes_", "resource_", "fields_", "labels_", "extra_", "context_", "data_", "record_"}

// maxName is how long a field name may be, its parents included.
const maxName = 96

// meaningOf looks a field up by its name. It allocates nothing.
func meaningOf(name string) alias {
	if len(name) > maxName {
		return alias{}
	}
	var buf [maxName]byte
	for i := range len(name) {
		b := name[i]
		switch {
		case b == '.' || b == '-' || b == ' ':
			b = '_'
		case b >= 'A' && b <= 'Z':
			b += 'a' - 'A'
		}
		buf[i] = b
	}
	key := buf[:len(name)]
	if a, ok := aliases[string(key)]; ok {
		return a
	}
	for _, w := range wrappers {
		if len(key) > len(w) && string(key[:len(w)]) == w {
			return aliases[string(key[len(w):])]
		}
	}
	return alias{}
}
