// One recognition as an application does it, with the Speech SDK of Node or of a browser.
//
// A job is an object; every member but `server` and `do` may be missing:
//   server         ws://host:port, or with a path
//   do             "once", "continuous" or "transcribe"
//   times          how often "once" is done with the same recogniser
//   stop_after     phrases after which to stop, where the audio has no end
//   key, token, endpoint_id, language, detailed, words, dictation, phrases, candidates
//   properties     of the SDK's configuration, by name

export async function recognise(sdk, job, audio, tell) {
  const recognizer = made(sdk, job, audio);
  const partial = job.do === "transcribe" ? "transcribing" : "recognizing";
  recognizer[partial] = (_, event) => tell("partial", described(sdk, event.result));
  try {
    if (job.do === "once") {
      for (let time = 0; time < (job.times ?? 1); time += 1) {
        tell("result", described(sdk, await once(recognizer)));
      }
    } else {
      await untilTheEnd(sdk, recognizer, job, tell);
    }
  } finally {
    await new Promise((closed, failed) => recognizer.close(closed, failed));
  }
}

function made(sdk, job, audio) {
  const config = configured(sdk, job);
  if (job.do === "transcribe") return new sdk.ConversationTranscriber(config, audio);
  if (!job.candidates) return favouring(sdk, job, new sdk.SpeechRecognizer(config, audio));
  const candidates = sdk.AutoDetectSourceLanguageConfig.fromLanguages(job.candidates);
  return favouring(sdk, job, sdk.SpeechRecognizer.FromConfig(config, candidates, audio));
}

function configured(sdk, job) {
  const url = new URL(job.server);
  const config =
    url.pathname === "/"
      ? sdk.SpeechConfig.fromHost(url, job.key)
      : sdk.SpeechConfig.fromEndpoint(url, job.key);
  if (job.token) config.authorizationToken = job.token;
  if (job.endpoint_id) config.endpointId = job.endpoint_id;
  if (job.language) config.speechRecognitionLanguage = job.language;
  if (job.detailed) config.outputFormat = sdk.OutputFormat.Detailed;
  if (job.words) config.requestWordLevelTimestamps();
  if (job.dictation) config.enableDictation();
  for (const [name, value] of Object.entries(job.properties ?? {})) {
    config.setProperty(name, value);
  }
  return config;
}

function favouring(sdk, job, recognizer) {
  if (job.phrases) sdk.PhraseListGrammar.fromRecognizer(recognizer).addPhrases(job.phrases);
  return recognizer;
}

function once(recognizer) {
  return new Promise((heard, failed) => recognizer.recognizeOnceAsync(heard, failed));
}

async function untilTheEnd(sdk, recognizer, job, tell) {
  const [start, stop, phrase] =
    job.do === "transcribe"
      ? ["startTranscribingAsync", "stopTranscribingAsync", "transcribed"]
      : ["startContinuousRecognitionAsync", "stopContinuousRecognitionAsync", "recognized"];
  let phrases = 0;
  const over = new Promise((resolve) => {
    recognizer[phrase] = (_, event) => {
      tell("phrase", described(sdk, event.result));
      if (event.result.text) phrases += 1;
      if (phrases === job.stop_after) resolve();
    };
    recognizer.canceled = (_, event) => {
      tell("canceled", canceled(sdk, event.reason, event.errorCode, event.errorDetails));
      if (event.reason === sdk.CancellationReason.Error) resolve();
    };
    recognizer.sessionStopped = () => {
      tell("stopped", {});
      resolve();
    };
  });
  await new Promise((started, failed) => recognizer[start](started, failed));
  await over;
  await new Promise((stopped, failed) => recognizer[stop](stopped, failed));
}

function described(sdk, result) {
  const told = {
    reason: sdk.ResultReason[result.reason],
    text: result.text,
    offset: result.offset,
    duration: result.duration,
    json: result.json,
    speaker: result.speakerId,
  };
  if (result.language) {
    const found = sdk.AutoDetectSourceLanguageResult.fromResult(result);
    told.language = found.language;
    told.certainty = found.languageDetectionConfidence;
  }
  if (result.reason === sdk.ResultReason.Canceled) {
    const details = sdk.CancellationDetails.fromResult(result);
    told.canceled = canceled(sdk, details.reason, details.ErrorCode, details.errorDetails);
  }
  if (result.reason === sdk.ResultReason.NoMatch) {
    told.no_match = sdk.NoMatchReason[sdk.NoMatchDetails.fromResult(result).reason];
  }
  return told;
}

function canceled(sdk, reason, code, details) {
  return { reason: sdk.CancellationReason[reason], code: sdk.CancellationErrorCode[code], details };
}
